// The npm package `jose` as the other side of integration/interop/interop_test.cpp; speaks as pyjwt_peer.py does.
import { readFileSync } from 'node:fs';
import * as jose from 'jose';

const manifest = new URL('./node_modules/jose/package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(manifest));

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
