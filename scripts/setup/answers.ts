// Gets every answer the settings are made of: from a flag, from what is stored, or from whoever sits there; in this order.
import { readFileSync } from 'node:fs'
import type { Flags } from './flags.ts'
import { SetupError, USAGE_ERROR } from './setup-error.ts'
import { PLACE_TITLES, PLACES, type Place } from './places.ts'
import { PROVIDERS, providerOf, type KnownProvider } from './providers.ts'
import type { Vars } from './settings-file.ts'
import type { Question, Terminal } from './terminal.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** What `--restrict-to` means where nobody is to be kept out. */
const NOBODY_BESIDES = '-'

export class Answers {
  readonly #flags: Flags
  readonly #terminal: Terminal
  readonly #env: Environment

  constructor(flags: Flags, terminal: Terminal, env: Environment) {
    this.#flags = flags
    this.#terminal = terminal
    this.#env = env
  }

  async place(): Promise<Place> {
    const { where } = this.#flags
    return await this.#choose(
      'where',
      'Where is the broker to run?',
      where,
      PLACES.map((id) => ({ id, title: PLACE_TITLES[id] })),
    )
  }

  async url(place: Place, stored: Vars): Promise<string> {
    const text =
      place === 'cloudflare' ? 'Its public address, a host name of yours or NAME.SUBDOMAIN.workers.dev' : 'Its public address'
    const offered = stored['BASE_URL'] ?? (place === 'this-machine' ? 'http://localhost:8788' : undefined)
    const wrong = (answer: string): string | undefined => {
      const url = URL.parse(answer)
      if (url === null || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search !== '' || url.username !== '')
        return 'is no origin: give it as https://mcp.example.com'
      const isHere = place === 'this-machine' && ['localhost', '127.0.0.1'].includes(url.hostname)
      return url.protocol === 'http:' && !isHere ? 'has to be https: tokens travel to it' : undefined
    }
    return new URL(await this.#answer({ text, flag: 'url', offered, wrong }, this.#flags.url)).origin
  }

  async provider(stored: Vars): Promise<KnownProvider> {
    const id = await this.#choose('provider', 'Where do people sign in?', this.#flags.provider, PROVIDERS, providerOf(stored)?.id)
    const known = PROVIDERS.find((provider) => provider.id === id)
    if (known === undefined) throw new Error(`no provider ${id}`)
    return known
  }

  /** Where it is and what it restricts, before the broker is registered there. */
  async issuer({ issuer, restrict }: KnownProvider, stored: Vars): Promise<Vars> {
    const { variable, always, text = '', read = (answer: string) => answer } = issuer
    const isAddress = variable === 'OAUTH_AUTHORIZE_URL'
    const wrong = (answer: string): string | undefined => {
      if (!isAddress) return undefined
      const url = URL.parse(read(answer))
      const isOpen = url?.protocol === 'http:' && !['localhost', '127.0.0.1'].includes(url.hostname)
      return url === null || isOpen ? 'is no https address' : undefined
    }
    const where =
      always ?? read(await this.#answer({ text, flag: 'issuer', offered: stored[variable], wrong }, this.#flags.issuer))
    if (restrict === undefined) return { [variable]: where }
    const isNeeded = restrict.isNeeded(where)
    const offered = stored['OAUTH_RESTRICT_TO'] ?? (isNeeded || stored[variable] === undefined ? undefined : NOBODY_BESIDES)
    const question: Question = {
      text: restrict.text,
      flag: 'restrict-to',
      offered: offered ?? (always === undefined && !isNeeded ? NOBODY_BESIDES : undefined),
      wrong: (answer) =>
        answer === NOBODY_BESIDES && isNeeded ? 'has to name the tenants; * is every tenant there is' : undefined,
    }
    const restricted = await this.#answer(question, this.#flags['restrict-to'])
    return { [variable]: where, ...(restricted !== NOBODY_BESIDES && { OAUTH_RESTRICT_TO: restricted }) }
  }

  /** What the provider shows once the broker is registered there. */
  async client({ clientId, secret, besides = {} }: KnownProvider, stored: Vars): Promise<Vars> {
    const { variable, text } = clientId
    const id = await this.#answer({ text, flag: 'client-id', offered: stored[variable] }, this.#flags['client-id'])
    const more = Object.fromEntries(Object.entries(besides).map(([name, value]) => [name, stored[name] ?? value]))
    if (secret === undefined) return { [variable]: id, ...more }
    const question = { text: 'Client secret it shows (not shown here)', flag: 'client-secret-file', isSecret: true }
    return {
      [variable]: id,
      ...more,
      [secret]: await this.#answer({ ...question, offered: stored[secret] }, this.#secretGiven(secret)),
    }
  }

  async server(stored: Vars): Promise<string> {
    const question = {
      text: 'Address of the MCP server',
      flag: 'server',
      offered: stored['DOWNSTREAM_MCP_URL'],
      wrong: noAddress,
    }
    return await this.#answer(question, this.#flags.server)
  }

  async administrators(stored: Vars): Promise<string> {
    const text = 'E-mail addresses of administrators, who can take access away (may be empty)'
    return await this.#answer(
      { text, flag: 'admins', offered: stored['ADMIN_EMAILS'] ?? '', wrong: noMailAddresses },
      this.#flags.admins,
    )
  }

  #secretGiven(variable: string): string | undefined {
    const file = this.#flags['client-secret-file']
    if (file === undefined) return this.#env[variable] ?? this.#env['OAUTH_CLIENT_SECRET']
    try {
      const text = readFileSync(file === '-' ? 0 : file, 'utf8').trim()
      if (text !== '') return text
    } catch (cause) {
      throw new SetupError(
        `--client-secret-file can not be read: ${cause instanceof Error ? cause.message : String(cause)}`,
        USAGE_ERROR,
      )
    }
    throw new SetupError('--client-secret-file is empty', USAGE_ERROR)
  }

  async #choose<Id extends string>(
    flag: string,
    text: string,
    given: string | undefined,
    choices: readonly { readonly id: Id; readonly title: string }[],
    stored?: string,
  ): Promise<Id> {
    const found = (answer: string): Id | undefined =>
      choices[Number(answer) - 1]?.id ?? choices.find(({ id }) => id === answer)?.id
    const wrong = (answer: string): string | undefined =>
      found(answer) === undefined ? `is none of ${choices.map(({ id }) => id).join(', ')}` : undefined
    if (given === undefined && this.#terminal.isInteractive && !(this.#flags.yes && stored !== undefined)) {
      this.#terminal.say(text)
      for (const [index, { id, title }] of choices.entries())
        this.#terminal.say(`  ${String(index + 1).padStart(2)}  ${title} (${id})`)
    }
    const answer = await this.#answer({ text: 'Number or name', flag, offered: stored, wrong }, given)
    const id = found(answer)
    if (id === undefined) throw new Error(`no choice ${answer}`)
    return id
  }

  async #answer(question: Question, given: string | undefined): Promise<string> {
    const { flag, offered, wrong } = question
    const answer = given ?? (this.#flags.yes ? offered : undefined)
    if (answer === undefined) return await this.#terminal.ask(question)
    const why = wrong?.(answer.trim())
    if (why !== undefined) throw new SetupError(`--${flag} ${why}`, USAGE_ERROR)
    return answer.trim()
  }
}

function noAddress(answer: string): string | undefined {
  const isAddress = /^https?:$/.test(URL.parse(answer)?.protocol ?? '')
  return isAddress ? undefined : 'is no address: give it as https://tools.example.com/mcp'
}

function noMailAddresses(answer: string): string | undefined {
  const isList = answer.split(/[\s,]+/).every((word) => word === '' || word.includes('@'))
  return isList ? undefined : 'are no e-mail addresses'
}
