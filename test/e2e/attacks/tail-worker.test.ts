// Attack 56, by the way that `wrangler tail` and tail Workers take: the platform shows them every request, those to objects included.
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { ORDER_HEADER } from '../../../src/mcp/dispatch/dispatch-header.ts'
import { freePort } from '../../world/listening.ts'
import { workerdProgram } from '../../world/runtime.ts'

const CALLED = `export default { fetch: () => new Response() }`
const CALLING = `export default {
  fetch: (_, { CALLED }) => CALLED.fetch('https://session/mcp', { headers: { '${ORDER_HEADER}': 'a canary', 'x-broker-other': 'shown' } }),
}`
const TAIL = `export default { tail: (events) => { for (const { event } of events) console.log(JSON.stringify(event.request.headers)) } }`

const worker = (code: string, more = ''): string =>
  `(compatibilityDate = "2026-10-01", modules = [(name = "worker.js", esModule = ${JSON.stringify(code)})]${more})`

test('56. what a message says is not shown to a tail Worker', async () => {
  const [folder, port] = [await mkdtemp(join(tmpdir(), 'broker-tail-')), await freePort()]
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const services = [
    `(name = "called", worker = ${worker(CALLED, ', tails = ["tail"]')})`,
    `(name = "calling", worker = ${worker(CALLING, ', bindings = [(name = "CALLED", service = "called")]')})`,
    `(name = "tail", worker = ${worker(TAIL)})`,
  ]
  const socket = `(name = "http", address = "127.0.0.1:${port}", http = (), service = "calling")`
  const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [${services.join(', ')}], sockets = [${socket}]);`
  const file = join(folder, 'config.capnp')
  await writeFile(file, config)
  const runtime = spawn(workerdProgram(), ['serve', file, '--experimental'], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void runtime.kill('SIGKILL'))
  const said: string[] = []
  createInterface({ input: runtime.stdout }).on('line', (line) => said.push(line))
  await expect
    .poll(async () => (await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined))?.status, { timeout: 10_000 })
    .toBe(200)
  await expect.poll(() => said.join('\n'), { timeout: 10_000 }).toContain('"x-broker-other":"shown"')
  expect(said.join('\n')).not.toContain('canary')
})
