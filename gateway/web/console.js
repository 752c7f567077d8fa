// The operator's console: shows what the admin listener tells, and asks it to act. The token stays in this tab.
'use strict';

const byId = (id) => document.getElementById(id);
const kKept = 'sallyport-admin-token';
const kEvery = 2000;   // ms between two looks
const kLooks = 150;    // shown: five minutes
let token = sessionStorage.getItem(kKept) || '';
let looks = [];        // {time, counts: {class: n}, buckets: {le: n}}

function say(text, wrong = false) {
  byId('message').className = wrong ? 'wrong' : '';
  byId('message').textContent = text;
}

async function call(method, path, body) {
  const options = { method, headers: { Authorization: 'Bearer ' + token }, credentials: 'omit', cache: 'no-store' };
  if (body !== undefined) options.body = JSON.stringify(body);
  const response = await fetch(path, options);
  if (response.status === 401) {
    signOut();
    throw new Error('The gateway does not know this token.');
  }
  const text = await response.text();
  const json = (response.headers.get('Content-Type') || '').includes('json') ? JSON.parse(text) : null;
  if (!response.ok && !(json && json.problems))
    throw new Error(json && json.error_description ? json.error_description : 'The gateway answered ' + response.status + '.');
  return json ?? text;
}

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function row(cells) {
  const made = element('tr');
  for (const cell of cells) {
    const td = element('td');
    if (typeof cell === 'number') td.className = 'number';
    td.append(cell instanceof Node ? cell : String(cell ?? ''));
    made.append(td);
  }
  return made;
}

function facts(id, pairs) {
  byId(id).replaceChildren(...pairs.flatMap(([name, value, kind]) =>
    [element('dt', name), element('dd', value, kind ? { class: kind } : {})]));
}

function act(text, does, kind) {
  const button = element('button', text, { type: 'button', ...(kind ? { class: kind } : {}) });
  button.addEventListener('click', () => attempt(button, does));
  return button;
}

// Runs an act while its button is off; what fails is told.
async function attempt(button, does) {
  if (button) button.disabled = true;
  try {
    await does();
  } catch (error) {
    say(error instanceof TypeError ? 'The gateway cannot be reached.' : error.message, true);
  } finally {
    if (button) button.disabled = false;
  }
}

// ---- what /metrics says -------------------------------------------------------------------------------------------

// [{name, labels, value}] of the Prometheus text format.
function samples(text) {
  const all = [];
  for (const line of text.split('\n')) {
    const found = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!found) continue;
    const labels = {};
    for (const [, key, value] of (found[2] || '').matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g))
      labels[key] = value.replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c));
    all.push({ name: found[1], labels, value: Number(found[3].replace('Inf', 'Infinity')) });
  }
  return all;
}

const kClasses = [['good', '2xx'], ['moved', '1xx, 3xx'], ['refused', '4xx'], ['wrong', '5xx, cut']];
function classOf(status) {
  if (status[0] === '2') return 'good';
  if (status[0] === '4') return 'refused';
  return status[0] === '1' || status[0] === '3' ? 'moved' : 'wrong';
}

function look(all) {
  const counts = { good: 0, moved: 0, refused: 0, wrong: 0 }, buckets = {};
  for (const { name, labels, value } of all) {
    if (name === 'sallyport_requests_total') counts[classOf(labels.status)] += value;
    if (name === 'sallyport_request_duration_seconds_bucket') buckets[labels.le] = (buckets[labels.le] || 0) + value;
  }
  return { time: performance.now(), counts, buckets };
}

// Per second between two looks; a counter that fell belongs to another process.
function rate(before, after) {
  const seconds = (after.time - before.time) / 1000, rates = {};
  for (const kind in after.counts) rates[kind] = Math.max(0, after.counts[kind] - before.counts[kind]) / seconds;
  return rates;
}

// The upper bound of the bucket that holds this share of the requests between two looks, in ms; null: there were none.
function quantile(before, after, share) {
  const bounds = Object.keys(after.buckets).sort((a, b) => Number(a.replace('+Inf', 'Infinity')) - Number(b.replace('+Inf', 'Infinity')));
  const count = (le) => after.buckets[le] - (before.buckets[le] || 0);
  const total = bounds.length ? count('+Inf') : 0;
  if (!(total > 0)) return null;
  let last = null;
  for (const le of bounds) {
    if (le !== '+Inf') last = Number(le) * 1000;
    if (count(le) >= share * total) return last;
  }
  return last;
}

const kSvg = 'http://www.w3.org/2000/svg';
function path(kind, d) {
  const made = document.createElementNS(kSvg, 'path');
  made.setAttribute('class', kind);
  made.setAttribute('d', d);
  return made;
}
const round = (n) => (n >= 100 ? Math.round(n) : Math.round(n * 10) / 10);

function drawRates() {
  const rates = looks.slice(1).map((after, i) => rate(looks[i], after));
  if (rates.length === 0) return;
  const total = (r) => kClasses.reduce((sum, [kind]) => sum + r[kind], 0);
  const most = Math.max(1, ...rates.map(total));
  const x = (i) => 600 - (rates.length - 1 - i) * (600 / (kLooks - 1));
  const floor = rates.map(() => 0), shapes = [];
  for (const [kind] of kClasses) {
    const low = rates.map((_, i) => x(i) + ' ' + (160 - 150 * floor[i] / most)).reverse();
    rates.forEach((r, i) => { floor[i] += r[kind]; });
    const high = rates.map((_, i) => x(i) + ' ' + (160 - 150 * floor[i] / most));
    shapes.push(path(kind, 'M' + [...high, ...low].join('L') + 'Z'));
  }
  byId('rate-plot').replaceChildren(...shapes);
  const now = rates[rates.length - 1];
  byId('rate-now').textContent = `now ${round(total(now))}, at most ${round(most)}`;
  byId('rate-legend').replaceChildren(...kClasses.map(([kind, name]) => element('span', `${name} ${round(now[kind])}`, { class: kind })));
}

function drawLatency() {
  const curves = [['good', 'p50', .5], ['refused', 'p99', .99]];
  const values = curves.map(([, , share]) => looks.slice(1).map((after, i) => quantile(looks[i], after, share)));
  const most = Math.max(1, ...values.flat().filter((v) => v !== null));
  const length = looks.length - 1;
  const x = (i) => 600 - (length - 1 - i) * (600 / (kLooks - 1));
  byId('latency-plot').replaceChildren(...curves.map(([kind], n) => {
    let d = '', pen = 'M';
    values[n].forEach((v, i) => {
      if (v === null) { pen = 'M'; return; }
      d += pen + x(i) + ' ' + (120 - 110 * v / most);
      pen = 'L';
    });
    return path(kind + ' curve', d || 'M0 0');
  }));
  const now = values.map((all) => all[all.length - 1] ?? null);
  byId('latency-now').textContent = now[0] === null ? 'no requests' : `at most ${round(now[1])} ms for 99 of 100`;
  byId('latency-legend').replaceChildren(...curves.map(([kind, name], n) =>
    element('span', `${name} ${now[n] === null ? '-' : '≤ ' + round(now[n]) + ' ms'}`, { class: kind })));
}

// ---- the parts ----------------------------------------------------------------------------------------------------

const parts = {
  async overview() {
    const status = await call('GET', '/admin/status');
    const { configuration } = status;
    facts('facts', [
      ['Version', status.version],
      ['Ready', status.ready ? 'yes' : 'no: ' + (status.problem || 'see /readyz'), status.ready ? 'good' : 'wrong'],
      ['Client connections', status.connections],
      ['Configuration', 'in force since ' + configuration.in_force_since],
      ...(configuration.last_reload && configuration.last_reload.outcome !== 'success'
        ? [['Last reload', 'refused: ' + configuration.last_reload.problems.join('; '), 'wrong']] : []),
    ]);
    drawRates();
    drawLatency();
  },

  async routes() {
    const { routes } = await call('GET', '/admin/routes');
    const seen = {};
    for (const { name, labels, value } of byId('routes').samples || []) {
      if (name !== 'sallyport_requests_total') continue;
      const of = (seen[labels.route] ??= { all: 0, refused: 0, wrong: 0 });
      of.all += value;
      const kind = classOf(labels.status);
      if (kind in of) of[kind] += value;
    }
    const numbers = (name) => { const of = seen[name] || { all: 0, refused: 0, wrong: 0 }; return [of.all, of.refused, of.wrong]; };
    const known = new Set(routes.map((route) => route.route));
    byId('route-rows').replaceChildren(
      ...routes.map((route) => row([route.route, route.methods.join(', ') || 'any', route.auth, route.upstream, route.line, ...numbers(route.route)])),
      ...Object.keys(seen).filter((name) => !known.has(name)).sort().map((name) =>
        row([name, '', '', name === '@none' ? 'nothing matched' : 'our own', '', ...numbers(name)])));
  },

  async upstreams() {
    const { upstreams } = await call('GET', '/admin/upstreams');
    byId('upstream-rows').replaceChildren(...upstreams.flatMap((upstream) => upstream.servers.map((server) =>
      row([upstream.name, server.url, element('span', server.state, { class: server.state === 'well' ? 'good' : 'wrong' }), server.busy, server.idle]))));
  },

  async people() {},

  async revocations() {
    const now = await call('GET', '/admin/revocations');
    facts('revocation-facts', [
      ['In force', now.entries],
      ['Memory of the index', now.bytes + ' bytes'],
      ['Knowledge is', now.staleness_ms === undefined ? 'not there yet' : now.staleness_ms + ' ms old', now.problem ? 'wrong' : ''],
      ...(now.problem ? [['Problem', now.problem, 'wrong']] : []),
    ]);
  },

  async keys() {
    const { issuers, refresh_keys: refresh } = await call('GET', '/admin/keys');
    byId('key-rows').replaceChildren(
      ...issuers.flatMap((issuer) => issuer.keys.length === 0 ? [row([issuer.issuer, 'none yet', '', ''])]
        : issuer.keys.map((key) => row([issuer.issuer, key.id, key.algorithm, key.signs ? 'signs and verifies' : 'verifies']))),
      ...refresh.map((id, i) => row(['refresh tokens', id, 'HS256', i === 0 ? 'signs and verifies' : 'verifies'])));
  },

  async configuration() {
    byId('yaml').textContent = await call('GET', '/admin/config');
    const { configuration } = await call('GET', '/admin/status');
    byId('reload-state').textContent = `In force since ${configuration.in_force_since}; ${configuration.reloads_succeeded} reloads, ${configuration.reloads_failed} refused.`;
  },
};

const kRefreshed = ['overview', 'routes', 'upstreams', 'revocations'];
const partNow = () => (location.hash.slice(1) in parts ? location.hash.slice(1) : 'overview');

function show() {
  const now = partNow();
  for (const name of Object.keys(parts)) byId(name).hidden = !token || name !== now;
  for (const link of document.querySelectorAll('nav a')) {
    if (token && link.hash === '#' + now) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  byId('sign-in').hidden = Boolean(token);
  byId('sign-out').hidden = !token;
  if (token) attempt(null, parts[now]);
}

async function watch() {
  if (token && !document.hidden) {
    await attempt(null, async () => {
      const all = samples(await call('GET', '/metrics'));
      looks.push(look(all));
      if (looks.length > kLooks + 1) looks.shift();
      byId('routes').samples = all;
      if (kRefreshed.includes(partNow())) await parts[partNow()]();
    });
  }
  setTimeout(watch, kEvery);
}

// ---- people -------------------------------------------------------------------------------------------------------

async function search(cursor) {
  const query = new URLSearchParams({ search: byId('search').value, ...(cursor ? { cursor } : {}) });
  const found = await call('GET', '/admin/users?' + query);
  const rows = found.users.map((user) => row([user.name, user.email, user.roles.join(', '), user.disabled ? 'disabled' : 'active',
    act('Open', () => open(user.id))]));
  if (cursor) byId('people-rows').append(...rows); else byId('people-rows').replaceChildren(...rows);
  if (!cursor && rows.length === 0) say('Nobody was found.');
  byId('more-people').hidden = !found.next;
  byId('more-people').dataset.cursor = found.next || '';
}

async function open(id) {
  const at = '/admin/users/' + encodeURIComponent(id);
  const user = await call('GET', at);
  byId('person').hidden = false;
  byId('person-title').textContent = user.name + (user.disabled ? ' (disabled)' : '');
  const change = (question, method, path, told) => async () => {
    if (!confirm(question)) return;
    const answer = await call(method, path);
    say(told(answer));
    await open(id);
  };
  byId('person-acts').replaceChildren(
    act('End all sessions', change(`End all sessions of ${user.name}?`, 'DELETE', at + '/sessions', (a) => `${a.ended} ended.`), 'plain'),
    user.disabled ? act('Enable', change(`Let ${user.name} log in again?`, 'POST', at + '/enable', () => 'Enabled.'), 'plain')
      : act('Disable', change(`Bar ${user.name} from logging in, and end all sessions?`, 'POST', at + '/disable', () => 'Disabled.'), 'danger'),
    act('Reset token', change(`Make a one-time token for a new password of ${user.name}?`, 'POST', at + '/reset-token',
      (a) => `Pass this on to ${user.name}, it is good for ${Math.round(a.expires_in / 60)} minutes: ${a.link || a.token}`), 'plain'));
  byId('session-rows').replaceChildren(...user.sessions.map((session) => row([session.id, session.device || session.user_agent, session.ip, session.created, session.last_used,
    act('End', change('End this session?', 'DELETE', '/admin/sessions/' + session.id, () => 'Ended.'))])));
  byId('person-title').focus();
}

byId('search-form').addEventListener('submit', (event) => {
  event.preventDefault();
  byId('person').hidden = true;
  attempt(event.submitter, () => search());
});
byId('more-people').addEventListener('click', (event) => attempt(event.target, () => search(event.target.dataset.cursor)));

// ---- acts ---------------------------------------------------------------------------------------------------------

byId('revoke-form').addEventListener('submit', (event) => {
  event.preventDefault();
  attempt(event.submitter, async () => {
    const kind = byId('kind').value, what = byId('what').value.trim();
    if (kind === 'everything' && what !== 'everything') return say('Write "everything" to say that you mean it.', true);
    if (!confirm(kind === 'everything' ? 'Log everybody out?' : `Refuse this ${kind} on every gateway of this store?`)) return;
    await call('POST', '/admin/revoke', kind === 'everything' ? { everything: true } : { [kind]: what });
    byId('what').value = '';
    say('Revoked; in force here now.');
    await parts.revocations();
  });
});

byId('reload').addEventListener('click', (event) => attempt(event.target, async () => {
  const answer = await call('POST', '/admin/reload');
  if (answer.outcome === 'success') say(answer.changed.length ? 'Reloaded; changed: ' + answer.changed.join(', ') : 'Reloaded; nothing changed.');
  else say('Refused, all stays as it was: ' + answer.problems.join('; '), true);
  await parts.configuration();
}));

byId('token-form').addEventListener('submit', (event) => {
  event.preventDefault();
  attempt(event.submitter, async () => {
    token = byId('token').value.trim();
    await call('GET', '/admin/status');
    sessionStorage.setItem(kKept, token);
    byId('token').value = '';
    looks = [];
    say('');
    show();
  });
});

function signOut() {
  token = '';
  sessionStorage.removeItem(kKept);
  show();
}
byId('sign-out').addEventListener('click', signOut);

addEventListener('hashchange', show);
show();
watch();
