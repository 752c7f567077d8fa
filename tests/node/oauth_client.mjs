// oauth4webapi against the OAuth endpoints: discovery, password, refresh, introspection, revocation, refusals.
// Arguments: the gateway's port, its issuer, the two clients' secrets.
import assert from 'node:assert';
import {webcrypto} from 'node:crypto';

globalThis.crypto ??= webcrypto;  // Node 18 has it elsewhere
const oauth = await import('oauth4webapi');

const [port, issuer, shopSecret, apiSecret] = process.argv.slice(2);
// The issuer's name is another than where the test reaches it.
const options = {
  [oauth.customFetch]: (url, init) => fetch(String(url).replace(issuer, `http://127.0.0.1:${port}`), init),
};

const found = await oauth.discoveryRequest(new URL(issuer), {algorithm: 'oauth2', ...options});
const server = await oauth.processDiscoveryResponse(new URL(issuer), found);
assert.deepEqual(server.grant_types_supported, ['password', 'refresh_token']);

const login = async (client, proof, password = 'correct horse battery') => {
  const answer = await oauth.genericTokenEndpointRequest(server, client, proof, 'password',
    {username: 'ada', password}, options);
  return oauth.processGenericTokenEndpointResponse(server, client, answer);
};
const refresh = async (client, proof, token) => {
  const answer = await oauth.refreshTokenGrantRequest(server, client, proof, token, options);
  return oauth.processRefreshTokenResponse(server, client, answer);
};
const introspect = async (token) => {
  const api = {client_id: 'api'};
  const answer = await oauth.introspectionRequest(server, api, oauth.ClientSecretBasic(apiSecret), token, options);
  return oauth.processIntrospectionResponse(server, api, answer);
};
const revoke = async (client, proof, token) =>
  oauth.processRevocationResponse(await oauth.revocationRequest(server, client, proof, token, options));
const refused = (error) => (caught) => caught instanceof oauth.ResponseBodyError && caught.error === error;

const clients = [
  [{client_id: 'app'}, oauth.None()],
  [{client_id: 'shop'}, oauth.ClientSecretBasic(shopSecret)],
  [{client_id: 'shop'}, oauth.ClientSecretPost(shopSecret)],
];
for (const [client, proof] of clients) {
  const first = await login(client, proof);
  assert.equal(first.token_type, 'bearer');
  assert.equal(first.expires_in, 600);
  const second = await refresh(client, proof, first.refresh_token);
  assert.notEqual(second.refresh_token, first.refresh_token);

  const said = await introspect(second.access_token);
  assert.equal(said.active, true);
  assert.equal(said.client_id, client.client_id);
  assert.equal(said.username, 'ada');
  assert.equal((await introspect(second.refresh_token)).active, true);

  await revoke(client, proof, second.refresh_token);
  assert.equal((await introspect(second.access_token)).active, false);
  assert.equal((await introspect(second.refresh_token)).active, false);
  await assert.rejects(refresh(client, proof, second.refresh_token), refused('invalid_grant'));
  await revoke(client, proof, 'a token that nobody knows');
}
const [app, nothing] = clients[0];
await assert.rejects(login(app, nothing, 'wrong'), refused('invalid_grant'));
const wrong = login({client_id: 'shop'}, oauth.ClientSecretPost('wrong'));
await assert.rejects(wrong, (caught) => caught.status === 401);
