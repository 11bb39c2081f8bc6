// Builds what the tests start: tollgate, and the simulated provider that the benchmark has.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const result = spawnSync('go', ['build', '-o', `${here}build/`, './cmd/tollgate', './test/bench'], {
  cwd: fileURLToPath(new URL('../..', import.meta.url)),
  stdio: 'inherit',
});
if (result.error?.code === 'ENOENT') {
  console.error('test/sdk-node: go is not installed. These tests need it to build Tollgate.');
} else if (result.error) {
  console.error(`test/sdk-node: go build: ${result.error.message}`);
}
process.exit(result.status ?? 1);
