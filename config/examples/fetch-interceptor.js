// fetch() for an API behind Sallyport that always goes with a good token: it refreshes early, sends a refused
// call again, and one refresh serves all calls of all tabs. Copy it and change it as you like.
//
//   import { authFetch, logIn, logOut, onEnded } from './fetch-interceptor.js';
//   onEnded(() => location.assign('/login'));       // in every tab, wherever the session ended
//   await logIn('ada', 'correct horse battery');
//   const orders = await (await authFetch('/api/orders')).json();

const name = 'sallyport-session';
const tabs = new BroadcastChannel(name);
let ended = () => {};
tabs.onmessage = () => ended();
export const onEnded = (act) => { ended = act; };

// The Cache API: what one tab has put is there for the next one at once; localStorage may tell it later.
const read = async () => (await (await caches.open(name)).match('/session'))?.json() ?? null;
const write = async (pair) => (await caches.open(name)).put('/session', new Response(JSON.stringify(pair)));
const post = (path, body, token) => fetch(path, {
  method: 'POST',
  headers: { 'Content-Type': 'application/json', ...(token && { Authorization: 'Bearer ' + token }) },
  body: JSON.stringify(body),
});

async function forget() {
  await caches.delete(name);
  tabs.postMessage('ended');
  ended();
}

// `due`: by this device's own clock, so that a wrong one does no harm.
async function keep(response) {
  const { access_token: access, refresh_token: refresh, expires_in: life } = await response.json();
  await write({ access, refresh, due: Date.now() + Math.max(life - 60, life / 2) * 1000 });
  return access;
}

// A token other than `old`; null: the session is over. The lock is shared by all tabs: who comes second finds
// the first one's pair.
const refreshed = (old) => navigator.locks.request(name, async () => {
  const pair = await read();
  if (!pair || pair.access !== old) return pair && pair.access;
  const response = await post('/auth/refresh', { refresh_token: pair.refresh });
  if (response.ok) return keep(response);
  if (response.status !== 401) throw new Error('no refresh now: ' + response.status);  // nobody is logged out for that
  await forget();
  return null;
});

export async function logIn(username, password) {
  const response = await post('/auth/login', { username, password });
  if (response.ok) await keep(response);
  return response.ok;
}

export async function logOut() {
  const pair = await read();
  if (pair && (await post('/auth/logout', {}, pair.access)).status === 204) await forget();
}

export async function authFetch(input, init) {
  const request = new Request(input, init);
  const send = (token) => {
    const copy = request.clone();  // the body is kept for a second try
    if (token) copy.headers.set('Authorization', 'Bearer ' + token);
    return fetch(copy);
  };
  const pair = await read();
  let token = pair && pair.access;
  if (pair && pair.due <= Date.now()) token = await refreshed(token).catch(() => token);
  const response = await send(token);
  if (response.status !== 401 || !token) return response;
  const next = await refreshed(token);
  return next ? send(next) : response;
}
