// The page to try the endpoints from: one form for each operation of the OpenAPI document in the page.
// Tokens and secrets live in this tab's memory only.
'use strict';

const api = JSON.parse(document.getElementById('document').textContent);
const credentials = { bearer: '', clientId: '', clientSecret: '' };
const byId = (id) => document.getElementById(id);

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function say() {
  const parts = [];
  if (credentials.bearer) parts.push('a bearer token');
  if (credentials.clientId) parts.push('client ' + credentials.clientId);
  byId('who').textContent = parts.length ? 'Sending ' + parts.join(' and ') + '.' : 'No token is sent.';
}

// ---- the Authorize dialog ----

const dialog = byId('credentials');
byId('client').hidden = !api.components.securitySchemes.client;
byId('authorize').addEventListener('click', () => {
  byId('bearer').value = credentials.bearer;
  byId('client-id').value = credentials.clientId;
  byId('client-secret').value = credentials.clientSecret;
  dialog.showModal();
});
dialog.addEventListener('close', () => {
  const use = dialog.returnValue === 'use';
  if (!use && dialog.returnValue !== 'forget') return;
  credentials.bearer = use ? byId('bearer').value.trim() : '';
  credentials.clientId = use ? byId('client-id').value.trim() : '';
  credentials.clientSecret = use ? byId('client-secret').value : '';
  say();
});

// ---- sending ----

// The operation's own wish decides which credential goes along; RFC 6749 2.3.1 encodes both halves.
function authorization(operation) {
  const wants = (name) => operation.security.some((one) => name in one);
  if (wants('bearer') && credentials.bearer) return 'Bearer ' + credentials.bearer;
  if (wants('client') && credentials.clientId && credentials.clientSecret) {
    const half = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => '%' + c.charCodeAt(0).toString(16));
    return 'Basic ' + btoa(half(credentials.clientId) + ':' + half(credentials.clientSecret));
  }
  return '';
}

function requestOf(path, method, operation, form) {
  const given = [...form.elements].filter((input) => input.name && input.value !== '');
  const headers = {};
  const query = new URLSearchParams();
  const body = {};
  let url = path;
  for (const input of given) {
    const where = input.dataset.where;
    if (where === 'path') url = url.replace('{' + input.name + '}', encodeURIComponent(input.value));
    if (where === 'query') query.set(input.name, input.value);
    if (where === 'header') headers[input.name] = input.value;
    if (where === 'body') body[input.name] = input.value;
  }
  if (query.size) url += '?' + query;
  const options = { method: method.toUpperCase(), headers, credentials: 'same-origin', cache: 'no-store' };
  const types = operation.requestBody ? Object.keys(operation.requestBody.content) : [];
  if (types.length && (operation.requestBody.required || Object.keys(body).length)) {
    headers['Content-Type'] = types[0];
    options.body = types[0] === 'application/json' ? JSON.stringify(body) : new URLSearchParams(body).toString();
  }
  const proof = authorization(operation);
  if (proof) headers.Authorization = proof;
  return { url, options };
}

// The first JWT anywhere in an answer is the access token, whatever the dialect calls it.
function accessTokenIn(value) {
  if (typeof value === 'string') return /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/.test(value) ? value : '';
  if (value === null || typeof value !== 'object') return '';
  for (const inner of Object.values(value)) {
    const found = accessTokenIn(inner);
    if (found) return found;
  }
  return '';
}

async function send(path, method, operation, form, output) {
  output.textContent = 'Sending…';
  const { url, options } = requestOf(path, method, operation, form);
  try {
    const response = await fetch(url, options);
    const text = await response.text();
    let shown = text;
    try {
      const json = JSON.parse(text);
      shown = JSON.stringify(json, null, 2);
      const token = response.ok ? accessTokenIn(json) : '';
      if (token && method === 'post') {
        credentials.bearer = token;
        say();
      }
    } catch { /* not JSON: shown as it came */ }
    const head = [...response.headers].map(([name, value]) => name + ': ' + value).join('\n');
    output.textContent = [`${response.status} ${response.statusText}`, head, '', shown].join('\n');
  } catch (error) {
    output.textContent = 'No answer: ' + error.message;
  }
}

// ---- forms ----

function field(operation, where, name, schema, required) {
  const id = [operation.operationId, where, name].join('-');
  const input = element('input', { id, name, required, autocomplete: 'off', spellcheck: false });
  input.dataset.where = where;
  if (schema.format === 'password') input.type = 'password';
  const made = element('p', {}, element('label', { htmlFor: id, textContent: name + (required ? ' (required)' : '') }), input);
  if (schema.description) {
    input.setAttribute('aria-describedby', id + '-hint');
    made.append(element('span', { id: id + '-hint', className: 'hint', textContent: schema.description }));
  }
  return made;
}

function section(path, method, operation) {
  const output = element('pre', { tabIndex: 0 });
  output.setAttribute('role', 'status');
  output.setAttribute('aria-label', 'Answer');
  const form = element('form');
  for (const one of operation.parameters ?? [])
    form.append(field(operation, one.in, one.name, { description: one.description }, one.required));
  for (const content of Object.values(operation.requestBody?.content ?? {}))
    for (const [name, schema] of Object.entries(content.schema.properties ?? {}))
      form.append(field(operation, 'body', name, schema, (content.schema.required ?? []).includes(name)));
  form.append(element('button', { textContent: 'Send' }));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    send(path, method, operation, form, output);
  });
  const statuses = Object.entries(operation.responses).map(([status, one]) => `${status} ${one.description}`);
  return element('details', { id: operation.operationId },
    element('summary', {}, element('b', { textContent: method.toUpperCase() }), element('code', { textContent: path }),
      ' ' + operation.summary),
    form, element('p', { className: 'hint', textContent: 'Answers: ' + statuses.join(', ') }), output);
}

byId('version').textContent = api.info.version;
const groups = new Map();
for (const [path, item] of Object.entries(api.paths))
  for (const [method, operation] of Object.entries(item)) {
    const tag = operation.tags[0];
    if (!groups.has(tag)) groups.set(tag, []);
    groups.get(tag).push(section(path, method, operation));
  }
for (const [tag, sections] of groups) byId('operations').append(element('h2', { textContent: tag }), ...sections);
