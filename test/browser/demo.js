// Starts `tollgate demo` on a free port, and ends it by its pid; and a browser.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const binary = fileURLToPath(new URL('build/tollgate', import.meta.url));

/** Starts a demo; resolves with its address and what ends it. */
export function startDemo() {
  const child = spawn(binary, ['demo', '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  process.once('exit', () => child.kill());
  return new Promise((resolve, reject) => {
    let output = '';
    let log = '';
    child.stderr.on('data', (data) => (log += data));
    child.stdout.on('data', (data) => {
      output += data;
      const base = /running on (http:\/\/\S+)/.exec(output)?.[1];
      if (base) {
        resolve({
          base,
          end: () => new Promise((ended) => {
            child.once('exit', ended);
            child.kill('SIGTERM');
          }),
        });
      }
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`tollgate demo ended with ${code}: ${log}`)));
  });
}

/** Starts the browser that this machine has. */
export function startBrowser() {
  const known = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  const executablePath = known.find((path) => path && existsSync(path));
  if (!executablePath) {
    throw new Error(`no browser: install Debian's package chromium, or set CHROMIUM to the path of one`);
  }
  return chromium.launch({ executablePath, args: ['--no-sandbox'] });
}
