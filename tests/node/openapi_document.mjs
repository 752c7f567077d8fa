// An OpenAPI document on stdin: is it one, by the schema of the OpenAPI initiative? S4.11.
import assert from 'node:assert';
import fs from 'node:fs';
import {Validator} from '@seriousme/openapi-schema-validator';

const validator = new Validator();
const result = await validator.validate(JSON.parse(fs.readFileSync(0, 'utf8')));
assert.deepEqual(result.errors ?? [], []);
assert.equal(result.valid, true);
assert.equal(validator.version, '3.1');
