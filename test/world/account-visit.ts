// A person on their account page, in a browser made of fetch: looks, and connects and disconnects servers that want them to sign in there.
import { Browser, type Fields, type Page } from './browser.ts'
import type { PersonKey } from './people.ts'

export class AccountVisit {
  readonly #browser = new Browser()
  readonly #url: string

  private constructor(brokerUrl: string) {
    this.#url = `${brokerUrl}/account`
  }

  static async as(person: PersonKey, brokerUrl: string): Promise<AccountVisit> {
    const visit = new AccountVisit(brokerUrl)
    const [form] = (await visit.look()).forms
    if (!form) throw new Error('nobody asks for a sign-in')
    await visit.#browser.submit(form, { person })
    return visit
  }

  async look(): Promise<Page> {
    return await this.#browser.get(this.#url)
  }

  /** The first server that this can be done with. */
  async change(what: 'connect' | 'disconnect', fields: Fields = {}): Promise<Page> {
    const page = await this.look()
    const form = page.forms.find(({ fields: given }) => given.some(([, value]) => value === what))
    if (!form) throw new Error(`there is nothing to ${what}: ${page.status}`)
    return await this.#browser.submit(form, fields)
  }

  /** Where there is anything to disconnect. */
  async disconnect(): Promise<void> {
    if ((await this.look()).text.includes('value="disconnect"')) await this.change('disconnect')
  }
}
