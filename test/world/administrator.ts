// An administrator's program: the admin API with the cookie of a page, with a machine credential, or with nothing.
import { z } from 'zod'
import { ANSWERS } from '../../scripts/reference/openapi-schemas.ts'
import { assertDescribed } from './admin-answers.ts'
import { Browser } from './browser.ts'
import type { PersonKey } from './people.ts'

export type ShownReceipt = z.output<typeof ANSWERS.Receipt>

export class AdminProgram {
  readonly #url: string
  readonly headers: Readonly<Record<string, string>>

  constructor(brokerUrl: string, headers: Readonly<Record<string, string>>) {
    this.#url = `${brokerUrl}/admin/api`
    this.headers = headers
  }

  /** As a page of this person's does it, once they have signed in at /admin. */
  static async signedIn(brokerUrl: string, person: PersonKey): Promise<AdminProgram> {
    const cookie = await pagesCookie(brokerUrl, person)
    const { csrf = '' } = ANSWERS.Session.parse(await (await new AdminProgram(brokerUrl, { cookie }).get('/session')).json())
    return new AdminProgram(brokerUrl, { cookie, 'x-csrf-token': csrf })
  }

  async get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    const answer = await fetch(this.#url + path, { headers: { ...this.headers, ...headers } })
    await assertDescribed('get', path, answer)
    return answer
  }

  async post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    const all = { 'content-type': 'application/json', ...this.headers, ...headers }
    const answer = await fetch(this.#url + path, { method: 'POST', headers: all, body: JSON.stringify(body) })
    await assertDescribed('post', path, answer)
    return answer
  }

  /** What is there, for tests that say in their expectation what it should look like. */
  async see(path: string): Promise<Readonly<Record<string, any>>> {
    return z.record(z.string(), z.any()).parse(await accepted(await this.get(path)))
  }

  async subOf(email: string): Promise<string> {
    const { people } = ANSWERS.People.parse(await accepted(await this.get(`/people?search=${encodeURIComponent(email)}`)))
    const [person] = people
    if (!person) throw new Error(`nobody is called ${email}`)
    return person.sub
  }

  async act(path: string, body: unknown): Promise<ShownReceipt> {
    return ANSWERS.Receipt.parse(await accepted(await this.post(path, body)))
  }

  async revoke(target: object, reason = 'a test'): Promise<ShownReceipt> {
    return await this.act('/revocations', { target, reason })
  }

  async receipt(id: string): Promise<ShownReceipt> {
    const { receipt } = ANSWERS.ReceiptDetail.parse(await accepted(await this.get(`/receipts/${id}`)))
    return receipt
  }

  async createMachine(asked: object = {}): Promise<z.output<typeof ANSWERS.CreatedMachine>> {
    const expiresAt = Math.floor(Date.now() / 1000) + 3_600
    const body = { name: 'Nightly report', owner: 'Ops', scopes: ['mcp'], expiresAt, reason: 'a test', ...asked }
    return ANSWERS.CreatedMachine.parse(await accepted(await this.post('/machines', body)))
  }
}

/** The cookie a browser holds after signing in for the pages. */
export async function pagesCookie(brokerUrl: string, person: PersonKey): Promise<string> {
  const browser = new Browser()
  const [form] = (await browser.get(`${brokerUrl}/account`)).forms
  if (!form) throw new Error('the identity provider shows no form')
  // Whatever the page says then, its cookie is set.
  await browser.submit(form, { person })
  return browser.cookiesFor(brokerUrl)
}

async function accepted(response: Response): Promise<unknown> {
  const text = await response.text()
  if (!response.ok) throw new Error(`the admin API answered ${response.status}: ${text}`)
  return JSON.parse(text)
}
