// Lints the OpenAPI document of the program as it is.
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (name) => fileURLToPath(new URL(name, import.meta.url));
await import('./build.js');
writeFileSync(at('build/openapi.json'), execFileSync(at('build/tollgate'), ['openapi']));
const { status } = spawnSync(process.execPath, [at('node_modules/@redocly/cli/bin/cli.js'), 'lint', at('build/openapi.json'), '--config', at('redocly.yaml')], {
  stdio: 'inherit',
  env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }, // it asks nobody
});
process.exit(status ?? 1);
