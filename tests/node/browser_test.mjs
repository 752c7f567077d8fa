// The example interceptor in a real Chromium: log in, outlive the token, refresh from three tabs at once, send
// refused calls again, log out in one tab and see the others end.
// Arguments: the sallyport binary, the folder of config/examples.
import assert from 'node:assert';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { World } from './browser_world.mjs';

const [binary, examples] = process.argv.slice(2);
const kPassword = 'correct horse battery';

const orders = [];
const answer = (request, response) => {
  if (request.url === '/app/fetch-interceptor.js') {
    response.setHeader('Content-Type', 'text/javascript');
    return response.end(fs.readFileSync(path.join(examples, 'fetch-interceptor.js')));
  }
  if (request.method === 'GET' && !request.url.startsWith('/api/')) {
    response.setHeader('Content-Type', 'text/html');
    return response.end('<!doctype html><title>App</title>');
  }
  let body = '';
  request.on('data', (piece) => { body += piece; });
  request.on('end', () => {
    if (body) orders.push(body);
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ subject: request.headers['x-auth-subject'] }));
  });
};

const yaml = (upstream) => `
listeners: [{address: "127.0.0.1:0"}]
workers: 2
store: "sqlite:state.db"
tokens: {issuer: "https://auth.test", audience: [api], signing: {algorithm: ES256, keys: keys/}}
users: {registration: true, new: {roles: [user]}}
upstreams: {api: {servers: ["${upstream}"]}}
routes:
  - {path: /app/, upstream: api, auth: none}
  - {path: /api/, upstream: api, auth: required}
`;
const world = await World.start(binary, answer, yaml);
const site = world.site;
const registered = await fetch('http://127.0.0.1:' + world.port + '/auth/register', {
  method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ username: 'ada', password: kPassword }) });
assert.equal(registered.status, 201);

// Nobody waits for a token's end: the pair that all tabs share gets an older one.
const changePair = (page, change) => page.evaluate(async (members) => {
  const kept = await caches.open('sallyport-session');
  const pair = await (await kept.match('/session')).json();
  await kept.put('/session', new Response(JSON.stringify({ ...pair, ...members })));
}, change);
const expired = execFileSync(binary, ['token', 'mint', '--config', world.config, '--subject', 'ada', '--ttl', '-60']).toString().trim();

const run = (tab, act, ...args) => tab.evaluate(async ([name, list]) => {
  const session = await import('/app/fetch-interceptor.js');
  const answer = await session[name](...list);
  return answer instanceof Response ? answer.status : answer;
}, [act, args]);

// Rows S0.15, S1.10, S1.27 and S4.10: what the articles' own clients did, or should have done.
async function interceptor(context) {
  const tabs = [];
  let refreshes = 0;
  context.on('request', (request) => { if (request.url() === site + '/auth/refresh') ++refreshes; });
  for (let i = 0; i < 3; ++i) {
    const tab = await context.newPage();
    await tab.goto(site + '/app/');
    await tab.evaluate(async () => {
      window.ends = 0;
      (await import('/app/fetch-interceptor.js')).onEnded(() => { ++window.ends; });
    });
    tabs.push(tab);
  }
  assert.equal(await run(tabs[0], 'logIn', 'ada', 'wrong'), false);
  assert.equal(await run(tabs[0], 'logIn', 'ada', kPassword), true);
  assert.equal(await run(tabs[1], 'authFetch', '/api/x'), 200);

  // Proactive (S0.14, S0.15): due by the answer's expires_in, before any call is refused.
  await changePair(tabs[0], { due: 0 });
  let statuses = await Promise.all(tabs.flatMap((tab) => [1, 2].map(() => run(tab, 'authFetch', '/api/x'))));
  assert.deepEqual(statuses, Array(6).fill(200));
  assert.equal(refreshes, 1, 'one refresh for the calls of all tabs');

  // Reactive (S1.27, S4.10): a client that believes its token good is refused, refreshes and sends again.
  await changePair(tabs[0], { access: expired });
  refreshes = orders.length = 0;
  statuses = await Promise.all(tabs.map((tab, i) => run(tab, 'authFetch', '/api/orders', { method: 'POST', body: 'order ' + i })));
  assert.deepEqual(statuses, [200, 200, 200]);
  assert.equal(refreshes, 1, 'one refresh for the refused calls of all tabs');

  // And for those of one tab.
  await changePair(tabs[0], { access: expired });
  refreshes = 0;
  statuses = await tabs[0].evaluate(async () => {
    const { authFetch } = await import('/app/fetch-interceptor.js');
    return (await Promise.all([1, 2, 3, 4, 5].map(() => authFetch('/api/x')))).map((answer) => answer.status);
  });
  assert.deepEqual(statuses, Array(5).fill(200));
  assert.equal(refreshes, 1, 'one refresh for all calls of a tab');
  assert.deepEqual(orders.sort(), ['order 0', 'order 1', 'order 2']);

  await run(tabs[2], 'logOut');
  for (const tab of tabs) {
    await tab.waitForFunction(() => window.ends === 1);
    assert.equal(await run(tab, 'authFetch', '/api/x'), 401);
  }
}

try {
  await world.browse(interceptor);
} finally {
  world.end();
}
