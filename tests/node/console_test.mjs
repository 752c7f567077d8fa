// The operator's console in a real Chromium: the token is asked for, every part tells what the gateway does, and the
// acts are in force at once. Arguments: the sallyport binary, a free port for the admin listener.
import assert from 'node:assert';
import fs from 'node:fs';
import { World } from './browser_world.mjs';

const [binary, port] = process.argv.slice(2);
const kToken = 'the-admin-token-of-the-test', kPassword = 'correct horse battery';
const yaml = (upstream) => `
listeners: [{address: "127.0.0.1:0"}]
admin: {address: "127.0.0.1:${port}", token: ${kToken}}
workers: 2
store: "memory:"
tokens: {issuer: "https://auth.test", audience: [api], signing: {algorithm: ES256, keys: keys/}}
users: {registration: true, new: {roles: [user]}}
upstreams: {api: {servers: ["${upstream}"]}}
routes:
  - {path: /api/, upstream: api, auth: required}
`;
const world = await World.start(binary, (request, response) => response.end('{}'), yaml);
const gateway = 'http://127.0.0.1:' + world.port, admin = `http://127.0.0.1:${port}/admin/`;
const post = async (path, body) => (await fetch(gateway + path, {
  method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })).json();
const call = async (pair) => (await fetch(gateway + '/api/x', { headers: { Authorization: 'Bearer ' + pair.access_token } })).status;

try {
  await post('/auth/register', { username: 'ada', password: kPassword });
  const pair = await post('/auth/login', { username: 'ada', password: kPassword, device: 'a phone' });
  const other = await post('/auth/login', { username: 'ada', password: kPassword, device: 'a laptop' });
  assert.equal(await call(pair), 200);

  await world.browse(async (context) => {
    const page = await context.newPage();
    const complaints = [], questions = [], elsewhere = [];
    page.on('console', (message) => { if (message.type() === 'error') complaints.push(message.text()); });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => { if (!request.url().startsWith(`http://127.0.0.1:${port}/`)) elsewhere.push(request.url()); });
    page.on('dialog', (dialog) => { questions.push(dialog.message()); dialog.accept(); });

    assert.equal((await page.goto(admin)).status(), 401, 'without a token it is a form and no more');
    assert.equal(await page.locator('#overview').isVisible(), false);
    await page.getByLabel('What admin.token says').fill('a guess');
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByText('The gateway does not know this token.').waitFor();
    await page.getByLabel('What admin.token says').fill(kToken);
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.locator('#facts').getByText('yes').waitFor();
    for (let i = 0; i < 20; ++i) await call(pair);
    await page.locator('#rate-plot path').first().waitFor({ state: 'attached' });
    await page.getByText(/^now /).waitFor();

    await page.getByRole('link', { name: 'Routes' }).click();
    await page.getByRole('row', { name: /^\/api\/ any required api/ }).waitFor();
    await page.getByRole('row', { name: /^@login/ }).waitFor();
    await page.getByRole('link', { name: 'Upstreams' }).click();
    await page.getByText('well').waitFor();
    await page.getByRole('link', { name: 'Keys' }).click();
    await page.getByText('ES256').waitFor();

    await page.getByRole('link', { name: 'People' }).click();
    await page.getByLabel('Name, e-mail address or id').fill('AD');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('row', { name: /^ada/ }).getByRole('button', { name: 'Open' }).click();
    await page.getByRole('row', { name: /a phone/ }).getByRole('button', { name: 'End' }).click();
    await page.getByText('Ended.').waitFor();
    assert.equal(await call(pair), 401, 'in force at once');
    assert.equal(await call(other), 200);
    await page.getByRole('button', { name: 'Disable' }).click();
    await page.getByText('ada (disabled)').waitFor();
    assert.equal(await call(other), 401);
    await page.getByRole('button', { name: 'Enable' }).click();
    await page.getByText('Enabled.').waitFor();

    const again = await post('/auth/login', { username: 'ada', password: kPassword });
    await page.getByRole('link', { name: 'Revocations' }).click();
    await page.getByLabel('Refuse from now on').selectOption('token');
    await page.getByLabel(/^Which/).fill(again.access_token);
    await page.getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('Revoked; in force here now.').waitFor();
    assert.equal(await call(again), 401);
    await page.getByLabel(/^Which/).fill('nonsense');
    await page.getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('this is no token').waitFor();

    await page.getByRole('link', { name: 'Configuration' }).click();
    await page.getByText('path: /api/').waitFor();
    assert.equal((await page.locator('#yaml').textContent()).includes(kToken), false);
    fs.appendFileSync(world.config, '  - {path: /more/, upstream: api, auth: none}\n');
    await page.getByRole('button', { name: 'Reload the file' }).click();
    await page.getByText(/^Reloaded/).waitFor();
    await page.getByText('path: /more/').waitFor();
    fs.appendFileSync(world.config, 'nonsense: 1\n');
    await page.getByRole('button', { name: 'Reload the file' }).click();
    await page.getByText(/^Refused, all stays as it was: .*nonsense/).waitFor();

    await page.reload();
    await page.getByRole('heading', { name: 'Configuration in force' }).waitFor();
    await page.getByRole('button', { name: 'Forget the token' }).click();
    await page.getByLabel('What admin.token says').waitFor();
    assert.deepEqual(questions, ['End this session?', 'Bar ada from logging in, and end all sessions?', 'Let ada log in again?',
      'Refuse this token on every gateway of this store?', 'Refuse this token on every gateway of this store?']);
    assert.deepEqual(elsewhere, []);
    // A refused call is a line in the console by itself.
    assert.deepEqual(complaints.filter((text) => !/status of 4\d\d/.test(text)), []);
  });
} finally {
  world.end();
}
