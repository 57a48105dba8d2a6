// What is left in a browser: as many and as large cookies as it keeps, whoever has it open our pages.
import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { pending, type Pending, type PendingKind } from '../../../src/routes/pending.ts'

/** Keeps what it is told to keep, as long as that is no larger than browsers allow. */
class Jar {
  readonly kept = new Map<string, string>()

  async visit<Value>(kind: PendingKind, step: (waiting: Pending) => Value): Promise<Value | undefined> {
    let value: Value | undefined
    const floor = new Hono().get('/', (c) => {
      value = step(pending(c, 'https://mcp.example.com', kind))
      return c.body(null)
    })
    const cookie = [...this.kept].map((pair) => pair.join('=')).join('; ')
    const answer = await floor.request('/', { headers: cookie === '' ? {} : { cookie } })
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', text = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      isAcceptable(name, text, line)
      if (line.includes('Max-Age=0')) this.kept.delete(name)
      else this.kept.set(name, text)
    }
    return value
  }

  get bytes(): number {
    return [...this.kept].reduce((sum, pair) => sum + pair.join('=; ').length, 0)
  }
}

function isAcceptable(name: string, text: string, line: string): void {
  expect(name.length + 1 + text.length).toBeLessThanOrEqual(4_096)
  expect(line).toMatch(/HttpOnly; Secure; SameSite=Lax/)
}

const idOf = (number: number): string => `state${String(number).padStart(3, '0')}-and-more`

test.for([0, 1, 3_999, 4_000, 4_001, 16_000, 32_000])('a value of %d characters comes back as it was, once', async (length) => {
  const jar = new Jar()
  const value = 'x'.repeat(length)
  await jar.visit('login', (waiting) => waiting.write(idOf(1), value, 1_800_000_000, 600))
  expect(await jar.visit('login', (waiting) => waiting.read(idOf(1)))).toBe(value)
  expect(await jar.visit('login', (waiting) => waiting.read(idOf(2)))).toBeUndefined()
  expect(await jar.visit('link', (waiting) => waiting.read(idOf(1)))).toBeUndefined()
  await jar.visit('login', (waiting) => waiting.remove(idOf(1)))
  expect([...jar.kept]).toEqual([])
})

test('a value that no cookies carry is refused in words', async () => {
  let thrown: unknown
  await new Jar().visit('login', (waiting) => {
    try {
      waiting.write(idOf(1), 'x'.repeat(32_001), 1_800_000_000, 600)
    } catch (error) {
      thrown = error
    }
  })
  expect(thrown).toMatchObject({ code: 'invalid_request' })
})

test.for<[PendingKind, number, number]>([
  ['consent', 22, 16],
  ['visit', 1_200, 4],
  ['login', 1_200, 6],
  ['link', 5_000, 4],
])('190 navigations leave few cookies behind, the newest (%s)', async ([kind, length, most]) => {
  const jar = new Jar()
  jar.kept.set('__Host-mcp_pages', 'signed in')
  for (let number = 0; number < 190; number += 1)
    await jar.visit(kind, (waiting) => waiting.write(idOf(number), 'x'.repeat(length), 1_800_000_000 + number, 600))
  expect(jar.kept.get('__Host-mcp_pages')).toBe('signed in')
  const ids = new Set([...jar.kept.keys()].flatMap((name) => /state\d{3}/.exec(name) ?? []))
  expect([...ids].toSorted()).toEqual(Array.from({ length: most }, (_, index) => `state${190 - most + index}`))
  expect(jar.bytes).toBeLessThan(25_000)
})

test('pages that were opened push out nothing a person has decided on', async () => {
  const jar = new Jar()
  await jar.visit('login', (waiting) => waiting.write(idOf(1), 'decided', 1_800_000_000, 600))
  for (let number = 10; number < 60; number += 1) {
    await jar.visit('consent', (waiting) => waiting.write(idOf(number), 'opened', 1_800_000_000 + number, 600))
    await jar.visit('visit', (waiting) => waiting.write(idOf(number), 'opened', 1_800_000_000 + number, 600))
  }
  expect(await jar.visit('login', (waiting) => waiting.read(idOf(1)))).toBe('decided')
})
