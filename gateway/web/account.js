// The login and account page. It holds no token: the gateway keeps them in cookies that no script can read.
'use strict';

const paths = document.body.dataset;
const byId = (id) => document.getElementById(id);
const tabs = 'BroadcastChannel' in window ? new BroadcastChannel('sallyport-session') : null;

function say(text, wrong = false) {
  const message = byId('message');
  message.className = wrong ? 'error' : '';
  message.textContent = text;
}

// Only a page of this origin: nobody is led elsewhere with our name on the link.
function returnTo() {
  const wish = new URLSearchParams(location.search).get('return_to');
  if (!wish || !wish.startsWith('/')) return null;
  const url = new URL(wish, location.origin);
  return url.origin === location.origin ? url.href : null;
}

async function call(method, path, body) {
  const options = { method, credentials: 'same-origin', headers: { Accept: 'application/json' } };
  if (body) {
    options.headers['Content-Type'] = 'application/json';
    options.body = JSON.stringify(body);
  }
  const response = await fetch(path, options);
  const json = (response.headers.get('Content-Type') || '').includes('json') ? await response.json() : {};
  return { ok: response.ok, status: response.status, json };
}

function explain(answer) {
  const { error, error_description: text } = answer.json;
  if (error === 'validation_failed') return 'Please correct the marked fields.';
  return text ? text + '.' : 'That did not work (' + answer.status + ').';
}

function mark(form, fields = {}) {
  for (const input of form.elements) {
    if (!input.name) continue;
    const problems = fields[input.name];
    const id = input.id + '-problem';
    byId(id)?.remove();
    input.removeAttribute('aria-describedby');
    input.setAttribute('aria-invalid', String(Boolean(problems)));
    if (!problems) continue;
    const note = document.createElement('p');
    note.id = id;
    note.className = 'error';
    note.textContent = problems.join(' ');
    input.after(note);
    input.setAttribute('aria-describedby', id);
  }
  form.querySelector('[aria-invalid="true"]')?.focus();
}

// Runs an act while its button is off; a network failure is told, not swallowed.
async function busy(button, act) {
  button.disabled = true;
  try {
    await act();
  } catch {
    say('The server cannot be reached. Please try again.', true);
  } finally {
    button.disabled = false;
  }
}

function onSubmit(id, act) {
  byId(id).addEventListener('submit', (event) => {
    event.preventDefault();
    const form = event.target;
    const body = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ''));
    busy(form.querySelector('button'), () => act(form, body));
  });
}

function show(signedIn, focus = true) {
  byId('signed-out').hidden = signedIn;
  byId('signed-in').hidden = !signedIn;
  document.title = signedIn ? 'Your account' : 'Log in';
  if (focus) byId(signedIn ? 'account-title' : 'log-in-title').focus();
}

function sessionItem(session) {
  const item = document.createElement('li');
  const text = document.createElement('div');
  text.textContent = (session.device || session.user_agent || 'Unknown device') + (session.current ? ' (this one)' : '');
  const detail = document.createElement('small');
  detail.textContent = (session.ip ? session.ip + ', ' : '') + 'last used ' + new Date(session.last_used).toLocaleString();
  text.append(detail);
  item.append(text);
  if (!session.current) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'plain';
    button.textContent = 'End';
    button.setAttribute('aria-label', 'End the session of ' + (session.device || session.user_agent || session.ip));
    button.addEventListener('click', () => busy(button, async () => {
      const answer = await call('DELETE', paths.sessions + '/' + encodeURIComponent(session.id));
      say(answer.ok ? 'The session is ended.' : explain(answer), !answer.ok);
      await load(false);
    }));
    item.append(button);
  }
  return item;
}

// What the page shows is what the gateway says now.
async function load(focus = true) {
  const answer = await call('GET', paths.sessions || paths.me);
  if (answer.status === 401) return show(false, focus);
  if (!answer.ok) return say(explain(answer), true);
  const sessions = answer.json.sessions || [];
  byId('sessions').replaceChildren(...sessions.map(sessionItem));
  byId('end-others').hidden = sessions.length < 2;
  show(true, focus);
}

async function logIn(form, body) {
  const answer = await call('POST', paths.login, body);
  mark(form, answer.json.fields);
  if (!answer.ok) {
    if (answer.status !== 422) form.elements.password.select();
    return say(explain(answer), true);
  }
  form.reset();
  tabs?.postMessage('in');
  const back = returnTo();
  if (back) return location.assign(back);
  say('You are logged in.');
  await load();
}

onSubmit('log-in', logIn);

onSubmit('register', async (form, body) => {
  const answer = await call('POST', paths.register, body);
  mark(form, answer.json.fields);
  if (!answer.ok) return say(explain(answer), true);
  const { username, password } = body;
  form.reset();
  await logIn(byId('log-in'), { username, password });
});

onSubmit('change-password', async (form, body) => {
  const answer = await call('POST', paths.password, body);
  mark(form, answer.json.fields);
  if (!answer.ok) return say(explain(answer), true);
  form.reset();
  say('Your password is changed; your other sessions are ended.');
  await load(false);
});

byId('end-others').addEventListener('click', (event) => busy(event.target, async () => {
  const answer = await call('POST', paths.logout + '?scope=others');
  say(answer.ok ? 'All other sessions are ended.' : explain(answer), !answer.ok);
  await load(false);
}));

byId('log-out').addEventListener('click', (event) => busy(event.target, async () => {
  const answer = await call('POST', paths.logout);
  if (!answer.ok && answer.status !== 401) return say(explain(answer), true);
  tabs?.postMessage('out');
  say('You are logged out.');
  show(false);
}));

if (tabs) tabs.onmessage = ({ data }) => { if (data === 'in' || data === 'out') load(false); };
byId('register-part').hidden = !paths.register;
byId('sessions-part').hidden = !paths.sessions;
byId('password-part').hidden = !paths.password;
load(false).catch(() => say('The server cannot be reached. Please reload the page.', true));
