// A company's directory outside the broker: creates its credential as an administrator would, and speaks SCIM with it.
import { z } from 'zod'
import { AdminProgram } from './administrator.ts'

const created = z.object({ token: z.string() })
const resource = z.object({ id: z.string() })

export class CompanyDirectory {
  readonly #url: string
  readonly #token: string

  private constructor(brokerUrl: string, token: string) {
    this.#url = `${brokerUrl}/scim/v2`
    this.#token = token
  }

  static async open(brokerUrl: string): Promise<CompanyDirectory> {
    const carol = await AdminProgram.signedIn(brokerUrl, 'carol')
    const expiresAt = Math.floor(Date.now() / 1000) + 86_400
    const asked = { name: 'directory', owner: 'IT', scopes: ['scim'], expiresAt, reason: 'a test' }
    const { token } = created.parse(await (await carol.post('/machines', asked)).json())
    return new CompanyDirectory(brokerUrl, token)
  }

  async ask(method: string, path: string, body?: object): Promise<Response> {
    const headers = { authorization: `Bearer ${this.#token}`, 'content-type': 'application/scim+json' }
    return await fetch(this.#url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
  }

  /** Its id; throws when it was refused. */
  async create(what: 'Users' | 'Groups', body: object): Promise<string> {
    const answer = await this.ask('POST', `/${what}`, body)
    if (answer.status !== 201) throw new Error(`SCIM answered ${answer.status}: ${await answer.text()}`)
    return resource.parse(await answer.json()).id
  }

  /** Throws when it was refused. */
  async patch(path: string, ...operations: readonly object[]): Promise<void> {
    const answer = await this.ask('PATCH', path, { Operations: operations })
    if (!answer.ok) throw new Error(`SCIM answered ${answer.status}: ${await answer.text()}`)
    await answer.body?.cancel()
  }
}
