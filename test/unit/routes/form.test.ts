// Forms that never come whole: so many are held, and what is posted elsewhere is read meanwhile.
import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { OAuthError } from '../../../src/clients/oauth-error.ts'
import { readForm } from '../../../src/routes/form.ts'

const PIECE = new TextEncoder().encode(`a=${'x'.repeat(60 * 1024)}`)

const broker = new Hono()
broker.onError((error, c) =>
  error instanceof OAuthError ? Response.json(error, { status: error.status }) : c.text('wrong', 500),
)
for (const path of ['/token', '/admin/people'])
  broker.post(path, async (c) => c.text(String((await readForm(c)).get('a')?.length)))

function post(path: string, body: BodyInit): Promise<Response> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const init = { method: 'POST', headers, body, duplex: 'half' }
  return Promise.resolve(broker.request(path, init))
}

test('unfinished forms have a share of the memory, and those of one path do not use up that of another', async () => {
  const slow: ReadableStreamDefaultController<Uint8Array>[] = []
  const stalled = () =>
    new ReadableStream<Uint8Array>({
      start: (controller) => {
        slow.push(controller)
        controller.enqueue(PIECE)
      },
    })
  const held = Array.from({ length: 68 }, () => post('/token', stalled()))
  await new Promise((resolve) => setTimeout(resolve, 100))
  const refused = await post('/token', stalled())
  expect(refused.status).toBe(503)
  expect(await refused.json()).toMatchObject({ code: 'temporarily_unavailable', retryAfter: 5 })
  expect(await (await post('/admin/people', 'a=12')).text()).toBe('2')
  for (const controller of slow.slice(0, 68)) controller.close()
  expect(await (await held[0])?.text()).toBe(String(60 * 1024))
  await Promise.all(held)
  expect(await (await post('/token', 'a=12')).text()).toBe('2')
})
