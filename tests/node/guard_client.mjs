// axios in the hands of a small application, against the preset apothecaric. S0.15, S1.10: a request interceptor
// refreshes before the call, by the time that the answer named; a guard lets in who is logged in or can be again, and
// sends everybody else to the login; logging out forgets the tokens.
// Argument: the gateway's port.
import assert from 'node:assert';
import axios from 'axios';

const [port] = process.argv.slice(2);
const api = axios.create({baseURL: `http://127.0.0.1:${port}`, proxy: false});
const storage = new Map();
let refreshes = 0;

const keep = ({data}) => {
  storage.set('access', data.AccessToken).set('refresh', data.RefreshToken);
  storage.set('expires', Date.parse(data.TokenExpiration));
};
const expired = () => storage.get('expires') <= Date.now();

async function refresh() {
  refreshes += 1;
  keep(await api.post('/api/token/refresh', {RefreshToken: storage.get('refresh')}, {open: true}));
}

api.interceptors.request.use(async (request) => {
  if (request.open) return request;
  if (expired()) await refresh();
  request.headers.Authorization = `Bearer ${storage.get('access')}`;
  return request;
});

// Where a navigation to a closed page ends.
async function guard() {
  if (!storage.has('access')) return 'login';
  if (!expired()) return 'page';
  try {
    await refresh();
    return 'page';
  } catch (error) {
    assert.equal(error.response.status, 401);
    storage.clear();
    return 'login';
  }
}

assert.equal(await guard(), 'login');
keep(await api.post('/api/token', {UserName: 'ada', Password: 'Correct-Horse-1'}, {open: true}));
assert.equal(await guard(), 'page');
assert.equal((await api.get('/api/values/1')).status, 200);
assert.equal(refreshes, 0);

storage.set('expires', Date.now());  // time has passed: the call refreshes first, and never sees a 401
assert.equal((await api.get('/api/values/2')).status, 200);
assert.equal(refreshes, 1);
storage.set('expires', Date.now());
assert.equal(await guard(), 'page');
assert.equal(refreshes, 2);

await api.post('/auth/logout', {RefreshToken: storage.get('refresh')}, {open: true});
storage.set('expires', Date.now());
assert.equal(await guard(), 'login');
assert.equal(storage.size, 0);
