// A real client library and a real server library with the gateway between them: echoes of every frame size,
// compression, ping, Close from a peer and Close 4401 from the gateway. Argument: the sallyport binary.
const assert = require('node:assert');
const {spawn} = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const WebSocket = require('ws');

const once = (target, event) => new Promise((ok) => target.once(event, (...args) => ok(args)));

async function startServer(closes) {
  const server = http.createServer();
  const sockets = new WebSocket.WebSocketServer({server, perMessageDeflate: true, maxPayload: 1 << 26});
  sockets.on('connection', (socket, request) => {
    socket.send('subject ' + request.headers['x-auth-subject'] + ' url ' + request.url);
    socket.on('message', (data, binary) => socket.send(data, {binary}));
    socket.on('close', (code, reason) => closes.emit('close', code, String(reason)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function startGateway(binary, folder, upstream) {
  const config = path.join(folder, 'gateway.yaml');
  fs.writeFileSync(config, `
listeners: [{address: "127.0.0.1:0"}]
workers: 1
store: "sqlite:state.db"
tokens: {issuer: "https://auth.test", audience: [api], signing: {algorithm: ES256, keys: keys/}}
users: {registration: true, new: {roles: [user]}}
upstreams: {api: {servers: ["http://127.0.0.1:${upstream}"]}}
routes: [{path: /, upstream: api, auth: required}]
`);
  const child = spawn(binary, ['serve', '--config', config], {stdio: ['ignore', 'ignore', 'pipe']});
  let log = '';
  const port = await new Promise((ok, failed) => {
    child.once('exit', () => failed(new Error(log)));
    child.stderr.on('data', (text) => {
      log += text;
      const found = /listening on \S*:(\d+)/.exec(log);
      if (found && log.includes('ready:')) ok(found[1]);
    });
  });
  return {child, port};
}

async function echoes(port, bearer, closes) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, {headers: bearer});
  assert.match(String((await once(socket, 'message'))[0]), /^subject .+ url \/ws$/);
  assert.match(socket.extensions, /permessage-deflate/);
  for (const size of [0, 1, 125, 126, 65535, 65536, 1 << 20, 1 << 24]) {
    const sent = Buffer.alloc(size, 0x88);
    for (let i = 0; i < Math.min(size, 4096); i += 3) sent[i] = i & 255;
    socket.send(sent);
    const [back, binary] = await once(socket, 'message');
    assert.ok(binary && back.equals(sent), 'echo of ' + size);
  }
  socket.ping('are you there');
  assert.equal(String((await once(socket, 'pong'))[0]), 'are you there');
  const heard = once(closes, 'close');
  socket.close(1000, 'bye');
  assert.deepEqual((await once(socket, 'close')).map(String), ['1000', 'bye']);
  assert.deepEqual(await heard, [1000, 'bye']);
}

async function revoked(port, api, bearer, closes) {
  const {ticket} = await (await api('/auth/ticket', {path: '/live'}, bearer)).json();
  const socket = new WebSocket(`ws://127.0.0.1:${port}/live?ticket=${ticket}&x=1`);
  assert.match(String((await once(socket, 'message'))[0]), / url \/live\?x=1$/);
  const heard = once(closes, 'close');
  const ended = once(socket, 'close');
  const began = Date.now();
  assert.equal((await api('/auth/logout', {}, bearer)).status, 204);
  assert.deepEqual((await ended).map(String), ['4401', 'token_revoked']);
  assert.deepEqual(await heard, [4401, 'token_revoked']);
  console.log(`Close 4401 on both sides ${Date.now() - began} ms after the logout was asked for`);
}

async function main(binary) {
  const closes = new (require('node:events'))();
  const server = await startServer(closes);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-node-'));
  const {child, port} = await startGateway(binary, folder, server.address().port);
  try {
    const api = (target, body, headers = {}) => fetch(`http://127.0.0.1:${port}${target}`, {
      method: 'POST', body: JSON.stringify(body), headers: {'Content-Type': 'application/json', ...headers}});
    const ada = {username: 'ada', password: 'correct horse battery'};
    assert.equal((await api('/auth/register', ada)).status, 201);
    const pair = await (await api('/auth/login', ada)).json();
    const bearer = {Authorization: 'Bearer ' + pair.access_token};

    const refused = new WebSocket(`ws://127.0.0.1:${port}/ws`);
    assert.match(String((await once(refused, 'error'))[0]), /401/);
    await echoes(port, bearer, closes);
    await revoked(port, api, bearer, closes);
    console.log('ok');
  } finally {
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
    fs.rmSync(folder, {recursive: true});
  }
}

main(process.argv[2]).then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
