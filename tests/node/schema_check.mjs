// The configuration's JSON Schema, as an editor would use it: every file that the loader takes is good by it, and what
// it refuses the loader refuses too. Arguments: the sallyport binary, files that load, and after "--" files that need
// secrets around them.
import assert from 'node:assert';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Ajv from 'ajv';
import yaml from 'js-yaml';

const [binary, ...files] = process.argv.slice(2);
const plain = files.slice(0, files.indexOf('--')), secret = files.slice(files.indexOf('--') + 1);
const schema = JSON.parse(execFileSync(binary, ['schema']));
const good = new Ajv({ strict: false, allErrors: false }).compile(schema);
const read = (file) => yaml.load(fs.readFileSync(file, 'utf8'), { schema: yaml.CORE_SCHEMA });

for (const file of [...plain, ...secret])
  assert.equal(good(read(file)), true, file + ': ' + JSON.stringify(good.errors));

// Each place of a document once with a key that nobody knows, a word that nobody knows, a section in place of a value.
function* mutants(document) {
  const places = [];
  const walk = (value, at) => {
    places.push(at);
    if (value && typeof value === 'object') for (const key of Object.keys(value)) walk(value[key], [...at, key]);
  };
  walk(document, []);
  for (const at of places) {
    for (const change of ['key', 'word', 'section']) {
      const copy = structuredClone(document);
      let holder = copy;
      for (const key of at.slice(0, -1)) holder = holder[key];
      const value = at.length ? holder[at.at(-1)] : copy;
      const isMap = value && typeof value === 'object' && !Array.isArray(value);
      if (change === 'key' && isMap) value.nonsense = 1;
      else if (change === 'word' && typeof value !== 'object' && at.length) holder[at.at(-1)] = 'nonsense';
      else if (change === 'section' && typeof value !== 'object' && at.length) holder[at.at(-1)] = { nonsense: 1 };
      else continue;
      yield [change + ' at /' + at.join('/'), copy];
    }
  }
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-schema-'));
let refused = 0;
try {
  for (const file of plain) {
    for (const [what, document] of mutants(read(file))) {
      if (good(document)) continue;
      const mutant = path.join(folder, 'gateway.yaml');
      fs.writeFileSync(mutant, yaml.dump(document));
      assert.equal(spawnSync(binary, ['check', '--config', mutant]).status, 1, path.basename(file) + ': ' + what);
      ++refused;
    }
  }
} finally {
  fs.rmSync(folder, { recursive: true });
}
assert.ok(refused > 40, `only ${refused} mutants were refused`);
