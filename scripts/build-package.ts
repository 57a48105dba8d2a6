// What `npm pack` puts into the package: the Worker, the supervisor and the set-up, each as one module, so that nothing but workerd is installed with them.
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { bundleWorker, ROOT } from '../selfhost/bundle.ts'

const dist = join(ROOT, 'dist')
mkdirSync(dist, { recursive: true })

const { file, config } = await bundleWorker()
copyFileSync(file, join(dist, 'worker.js'))
writeFileSync(join(dist, 'worker.json'), JSON.stringify(config))

// wrangler's own: the same that bundles the Worker.
const { build }: typeof import('esbuild') = createRequire(createRequire(import.meta.url).resolve('wrangler/package.json'))(
  'esbuild',
)
for (const [source, name] of [
  ['selfhost/main.ts', 'selfhost.js'],
  ['scripts/setup.ts', 'setup.js'],
] as const) {
  const program = join(dist, name)
  await build({
    entryPoints: [join(ROOT, source)],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22.13',
    external: ['workerd'],
    banner: { js: '#!/usr/bin/env node' },
    logLevel: 'warning',
  })
  chmodSync(program, 0o755)
}
