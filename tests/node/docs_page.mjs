// The page to try the endpoints from, in a real browser: S4.11. Logs in by its form, which fills the bearer
// token; asks for its claims; forgets the token in the Authorize dialog; nothing breaks the page's own policy.
// Arguments: the page's URL, the browser's program.
import assert from 'node:assert';
import {chromium} from 'playwright-core';

const [url, program] = process.argv.slice(2);
const browser = await chromium.launch({executablePath: program, args: ['--no-sandbox', '--disable-gpu']});
try {
  const page = await browser.newPage();
  const complaints = [], elsewhere = [];
  page.on('console', (message) => { if (message.type() === 'error') complaints.push(message.text()); });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => { if (new URL(request.url()).origin !== new URL(url).origin) elsewhere.push(request.url()); });
  await page.goto(url);
  assert.equal(await page.title(), 'Sallyport: try the endpoints');

  const open = async (id) => {
    const section = page.locator(`#${id}`);
    await section.locator('summary').click();
    return section;
  };
  const login = await open('login');
  await login.getByLabel('userName').fill('ada');
  await login.getByLabel('password').fill('Correct-Horse-1');
  await login.getByRole('button', {name: 'Send'}).click();
  await login.getByText('"token"').waitFor();
  await page.getByText('Sending a bearer token.').waitFor();

  const me = await open('me');
  await me.getByRole('button', {name: 'Send'}).click();
  await me.getByText('"name": "ada"').waitFor();

  await page.getByRole('button', {name: 'Authorize'}).click();
  assert.match(await page.getByLabel('Bearer access token').inputValue(), /^eyJ/);
  await page.getByRole('button', {name: 'Forget all'}).click();
  await page.getByText('No token is sent.').waitFor();
  await me.getByRole('button', {name: 'Send'}).click();
  await me.getByText('token_missing').waitFor();

  assert.deepEqual(elsewhere, []);
  // A refused call is a line in the console by itself.
  assert.deepEqual(complaints.filter((text) => !text.includes('401')), []);
} finally {
  await browser.close();
}
