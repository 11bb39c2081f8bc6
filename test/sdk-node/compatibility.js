// The table of docs/compatibility.md that this suite writes: what was run, and how
// it went.
import { readFileSync, writeFileSync } from 'node:fs';

const file = new URL('../../docs/compatibility.md', import.meta.url);
const { dependencies } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
const section = /(<!-- Node -->\n)[^]*?(?=<!-- end -->)/;

export const cells = ['plain', 'stream', 'tools', 'error', 'retry'];

/** Notes how the cells of the SDKs went. */
export class Compatibility {
  failed = new Set();
  passed = new Set();

  /** Runs one test of a cell; a cell has passed when all of its tests have. */
  async run(name, cell, work) {
    const key = `${name}\n${cell}`;
    try {
      await work();
      this.passed.add(key);
    } catch (e) {
      this.failed.add(key);
      throw e;
    }
  }

  /** The table, for SDKs with their packages. */
  table(sdks) {
    const row = (...columns) => `| ${columns.join(' | ')} |\n`;
    let text = row('SDK', 'versions', ...cells) + row('---', '---', ...cells.map(() => '---'));
    for (const [name, packages] of sdks) {
      const marks = cells.map((cell) => {
        const key = `${name}\n${cell}`;
        return this.passed.has(key) && !this.failed.has(key) ? '✓' : '✗';
      });
      text += row(name, packages.map((p) => `${p} ${dependencies[p]}`).join(', '), ...marks);
    }
    return text;
  }

  /** Compares the document with the table, or with UPDATE=1 writes it. */
  check(sdks) {
    if (this.failed.size > 0 && !process.env.UPDATE) return; // which the tests have told
    const text = readFileSync(file, 'utf8');
    const now = text.replace(section, (_, head) => head + this.table(sdks));
    if (now === text) return;
    if (!process.env.UPDATE) throw new Error('docs/compatibility.md is not what this run says: run make compatibility');
    writeFileSync(file, now);
  }
}
