// What the tests in a real Chromium share: a gateway in a folder of its own before a server of the test's, and a
// browser with a profile of its own. CHROMIUM names another browser than Debian's.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';

const kPatience = 15000;

export class World {
  // `answer` serves the upstream; `yaml(upstream)` is the configuration before it.
  static async start(binary, answer, yaml) {
    const world = new World();
    world.upstream = http.createServer(answer).listen(0, '127.0.0.1');
    await once(world.upstream, 'listening');
    world.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-browser-'));
    world.config = path.join(world.folder, 'gateway.yaml');
    fs.writeFileSync(world.config, yaml('http://127.0.0.1:' + world.upstream.address().port));
    world.gateway = spawn(binary, ['serve', '--config', world.config], { stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    world.port = await new Promise((ok, failed) => {
      world.gateway.once('exit', () => failed(new Error(log)));
      world.gateway.stderr.on('data', (text) => {
        log += text;
        const found = /listening on \S*:(\d+)/.exec(log);
        if (found && log.includes('ready:')) ok(found[1]);
      });
    });
    world.site = 'http://localhost:' + world.port;
    return world;
  }

  async browse(act) {
    const context = await chromium.launchPersistentContext(fs.mkdtempSync(path.join(this.folder, 'profile-')), {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      headless: true,
      viewport: { width: 900, height: 800 },
      args: ['--no-sandbox', '--headless', '--disable-gpu', '--disable-quic', '--no-first-run',
        '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    });
    context.setDefaultTimeout(kPatience);
    try {
      await act(context);
    } finally {
      await context.close();
    }
  }

  end() {
    this.gateway.removeAllListeners('exit');
    this.gateway.kill('SIGKILL');
    this.upstream.closeAllConnections();
    this.upstream.close();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
