// Forms posted by strangers: one kind, bounded in size however they are sent, and the fault is named.
import { exports } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'

const BROKER = 'http://localhost:8788'
const FORM = 'application/x-www-form-urlencoded'

describe.for(['/token', '/revoke', '/introspect', '/authorize'])('a form posted to %s', (path) => {
  test('may not be larger than 64 KB, announced or not', async () => {
    expect((await post(path, 'a'.repeat(65_537))).status).toBe(413)
    let sent = 0
    const endless = new ReadableStream({
      pull: (controller) => {
        sent += 16_384
        controller.enqueue(new Uint8Array(16_384).fill(97))
      },
    })
    expect((await post(path, endless)).status).toBe(413)
    expect(sent).toBeLessThan(1_000_000)
  })

  test.for(['application/json', 'multipart/form-data; boundary=x', 'text/plain', ''])('is refused as “%s”', async (type) => {
    const answer = await post(path, 'grant_type=refresh_token', type)
    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain('application/x-www-form-urlencoded')
  })

  test('is read with whatever parameters its type has', async () => {
    const answer = await post(path, 'grant_type=refresh_token', `${FORM.toUpperCase()}; charset=UTF-8`)
    expect(await answer.text()).not.toContain('urlencoded')
  })
})

async function post(path: string, body: BodyInit, type = FORM): Promise<Response> {
  const headers = { 'Content-Type': type, Origin: BROKER, 'Sec-Fetch-Site': 'same-origin' }
  return exports.default.fetch(new Request(`${BROKER}${path}`, { method: 'POST', headers, body }))
}
