// axios with axios-auth-refresh against the preset fullstackmark. S4.10, S1.27: five calls at once with an expired
// token, one refresh with both tokens, every call repeated and answered.
// Arguments: the gateway's port, an expired access token, its refresh token.
import assert from 'node:assert';
import axios from 'axios';
import authRefresh from 'axios-auth-refresh';

const createAuthRefreshInterceptor = authRefresh.default ?? authRefresh;
const [port, expired, refreshToken] = process.argv.slice(2);
const tokens = {accessToken: expired, refreshToken};
const seen = {expired: 0, refreshes: 0};

const api = axios.create({baseURL: `http://127.0.0.1:${port}`, proxy: false});
api.interceptors.request.use((request) => {
  if (!request.open) request.headers.Authorization = `Bearer ${tokens.accessToken}`;
  return request;
});
createAuthRefreshInterceptor(api, async (failed) => {
  assert.equal(failed.response.headers['token-expired'], 'true');
  seen.refreshes += 1;
  const answer = await api.post('/api/auth/refreshtoken', tokens, {skipAuthRefresh: true, open: true});
  Object.assign(tokens, answer.data);
});
api.interceptors.response.use(undefined, (error) => {
  seen.expired += error.response?.headers['token-expired'] === 'true';
  return Promise.reject(error);
});

const answers = await Promise.all([1, 2, 3, 4, 5].map((id) => api.get(`/api/values/${id}`)));
assert.deepEqual(answers.map((one) => one.status), [200, 200, 200, 200, 200]);
assert.equal(seen.refreshes, 1);
assert.notEqual(tokens.accessToken, expired);
assert.notEqual(tokens.refreshToken, refreshToken);

// What no refresh can mend is not tried again.
await assert.rejects(api.get('/nowhere'), (error) => error.response.status === 404);
assert.equal(seen.refreshes, 1);
