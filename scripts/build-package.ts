// What `npm pack` puts into the package: the Worker and the supervisor, each as one module, so that nothing but workerd is installed with them.
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
const supervisor = join(dist, 'selfhost.js')
await build({
  entryPoints: [join(ROOT, 'selfhost/main.ts')],
  outfile: supervisor,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22.13',
  external: ['workerd'],
  banner: { js: '#!/usr/bin/env node' },
  logLevel: 'warning',
})
chmodSync(supervisor, 0o755)
