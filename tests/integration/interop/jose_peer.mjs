// The npm package `jose` as the other side of interop_test.cpp; speaks as pyjwt_peer.py does. Not a package of
// Debian: install it beside (npm install jose@5) and name its folder in SALLYPORT_NODE_JOSE.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

const folder = process.env.SALLYPORT_NODE_JOSE;
const require = createRequire(join(folder, 'index.js'));
const jose = await import(pathToFileURL(require.resolve('jose')).href);
const version = JSON.parse(readFileSync(join(folder, 'node_modules/jose/package.json'))).version;

const answers = [];
for (const c of JSON.parse(readFileSync(0))) {
  const secret = c.alg.startsWith('HS');
  const publicKey = secret ? new TextEncoder().encode(c.public) : await jose.importSPKI(c.public, c.alg);
  const privateKey = secret ? publicKey : await jose.importPKCS8(c.private, c.alg);
  const answer = {};
  try {
    const { payload, protectedHeader } = await jose.jwtVerify(c.token, publicKey, {
      algorithms: [c.alg], audience: 'api', issuer: 'https://ours.test', typ: 'at+jwt',
      requiredClaims: ['exp', 'iat', 'nbf', 'sub', 'jti'],
    });
    answer.claims = payload;
    answer.header = protectedHeader;
  } catch (error) {
    answer.error = String(error);
  }
  answer.token = await new jose.SignJWT({ roles: ['admin', 'ünï'] })
    .setProtectedHeader({ alg: c.alg, kid: c.kid })
    .setIssuer('https://theirs.test').setAudience(['api']).setSubject('grace')
    .setIssuedAt(c.now).setExpirationTime(c.now + 600)
    .sign(privateKey);
  answers.push(answer);
}
process.stdout.write(JSON.stringify({ library: 'jose ' + version, answers }));
