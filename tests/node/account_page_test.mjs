// Cookie mode and the account page in a real Chromium: log in on the page, be sent back, outlive the token,
// refresh from three tabs at once, log out in one tab and see the others end.
// Argument: the sallyport binary. SCREENSHOTS=folder keeps pictures.
import assert from 'node:assert';
import path from 'node:path';
import { World } from './browser_world.mjs';

const [binary] = process.argv.slice(2);
const kPassword = 'correct horse battery';

const answer = (request, response) => {
  if (request.method === 'GET' && !request.url.startsWith('/api/')) {
    response.setHeader('Content-Type', 'text/html');
    return response.end('<!doctype html><title>App</title><h1>' + (request.headers['x-auth-subject'] ? 'private' : 'public') + '</h1>');
  }
  let body = '';
  request.on('data', (piece) => { body += piece; });
  request.on('end', () => {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ subject: request.headers['x-auth-subject'], cookie: request.headers.cookie ?? null }));
  });
};

const yaml = (upstream) => `
listeners: [{address: "127.0.0.1:0"}]
workers: 2
store: "sqlite:state.db"
tokens: {issuer: "https://auth.test", audience: [api], access_ttl: 2s, clock_skew: 0s, signing: {algorithm: ES256, keys: keys/}}
users: {registration: true, new: {roles: [user]}, profile: [{name: born, kind: date, required: true}, {name: plan, values: [free, pro]}]}
auth: {cookies: {login_page: own}}
upstreams: {api: {servers: ["${upstream}"]}}
routes:
  - {path: /app/, upstream: api, auth: none}
  - {path: /private/, upstream: api, auth: required}
  - {path: /api/, upstream: api, auth: required}
`;
const world = await World.start(binary, answer, yaml);
const site = world.site;

async function shoot(page, name) {
  if (process.env.SCREENSHOTS) await page.screenshot({ path: path.join(process.env.SCREENSHOTS, name + '.png'), fullPage: true });
}

const visible = (page, name, level = 1) => page.getByRole('heading', { name, level }).waitFor();

// The token that the page can't see is over once its own clock says so.
const outliveToken = (page) => page.evaluate((since) => new Promise((ok) => {
  const look = () => (Date.now() >= since + 2500 ? ok() : setTimeout(look, 50));
  look();
}), Date.now());

const call = (page) => page.evaluate(async () => {
  const response = await fetch('/api/me', { cache: 'no-store' });
  return { status: response.status, ...(response.ok ? await response.json() : {}) };
});

async function onThePage(context) {
  const page = await context.newPage();
  const refused = [];
  page.on('console', (message) => { if (message.text().includes('Content Security Policy')) refused.push(message.text()); });
  await page.goto(site + '/private/?tab=1');
  assert.ok(page.url().startsWith(site + '/auth/account?return_to='), page.url());
  await visible(page, 'Log in');
  await shoot(page, 'log-in');
  // By keyboard alone: an account first, with a password that is too short, then with a good one.
  await page.getByText('Create an account').focus();
  await page.keyboard.press('Enter');
  const form = page.locator('#register');
  await form.getByLabel('User name').fill('ada');
  await form.getByLabel('Born').fill('1815-12-10');  // the profile fields of the configuration
  await form.getByLabel('Plan').selectOption('pro');
  await form.getByLabel('Password').fill('short');
  await page.keyboard.press('Enter');
  await page.getByRole('status').filter({ hasText: 'correct the marked fields' }).waitFor();
  assert.equal(await form.getByLabel('Password').getAttribute('aria-invalid'), 'true');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'new-password');
  await shoot(page, 'register-refused');
  await form.getByLabel('Password').fill(kPassword);
  await page.keyboard.press('Enter');
  await page.waitForURL(site + '/private/?tab=1');  // logged in and sent back
  await visible(page, 'private');
  const cookies = await context.cookies(site);
  assert.deepEqual(cookies.map((cookie) => [cookie.name, cookie.httpOnly, cookie.secure, cookie.sameSite]).sort(), [
    ['__Host-sallyport-access', true, true, 'Lax'], ['__Host-sallyport-refresh', true, true, 'Lax']]);
  assert.equal(await page.evaluate(() => document.cookie), '');
  // A foreign way back is not followed.
  await page.goto(site + '/auth/account?return_to=//evil.test/');
  await visible(page, 'Your account');
  assert.deepEqual(refused, []);
  return page;
}

async function threeTabsByCookie(context, account) {
  const tabs = [account, await context.newPage(), await context.newPage()];
  for (const tab of tabs.slice(1)) {
    await tab.goto(site + '/auth/account');
    await visible(tab, 'Your account');
  }
  await outliveToken(account);
  const before = await context.cookies(site);
  for (const answer of await Promise.all(tabs.map(call))) {  // S1.28: no client code knows of it
    assert.equal(answer.status, 200);
    assert.equal(answer.cookie, null);  // ours stay with the gateway
  }
  assert.notDeepEqual((await context.cookies(site)).map((c) => c.value), before.map((c) => c.value));
  await account.reload();
  await visible(account, 'Your account');
  await shoot(account, 'account');
  await account.emulateMedia({ colorScheme: 'dark' });
  await shoot(account, 'account-dark');

  await tabs[1].getByRole('button', { name: 'Log out' }).click();
  for (const tab of tabs) {
    await visible(tab, 'Log in');
    assert.equal((await call(tab)).status, 401);
  }
  assert.deepEqual(await context.cookies(site), []);
  // A wrong password is told to who can't see, and the right one works.
  await account.getByLabel('User name').first().fill('ada');
  await account.getByLabel('Password').first().fill('not the password');
  await account.keyboard.press('Enter');
  await account.getByRole('status').filter({ hasText: 'wrong' }).waitFor();
  await account.getByLabel('Password').first().fill(kPassword);
  await account.keyboard.press('Enter');
  for (const tab of tabs) await visible(tab, 'Your account');
}

try {
  await world.browse(async (context) => threeTabsByCookie(context, await onThePage(context)));
} finally {
  world.end();
}
