// Builds Tollgate, so that the tests read the program as it is.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
execFileSync('go', ['build', '-o', 'test/browser/build/tollgate', './cmd/tollgate'], { cwd: `${here}../..`, stdio: 'inherit' });
