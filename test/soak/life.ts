// One grant from its sign-in to its revocation: its tokens, and a watch over everything that is heard under it.
import { setTimeout as sleep } from 'node:timers/promises'
import { statusWith, tokensOf, type BrokerClient, type Tokens } from '../world/broker-client.ts'
import type { PersonKey } from '../world/people.ts'
import type { Ledger } from './ledger.ts'

/** A client whose stream has ended asks once more, and may have to wait for a restart to be told 401, in milliseconds. */
const STILL_OPEN_MS = 10_000

export class Life {
  readonly name: string
  /** Aborts when nothing new may begin, with the reason: a revocation is about to be sent, or the run is over. */
  readonly ending = new AbortController()
  /** Aborts when the run is over: what has no end of its own is to end. */
  readonly over = new AbortController()
  readonly #client: BrokerClient
  readonly #mcpUrl: string
  readonly #ledger: Ledger
  readonly #open = new Set<string>()
  #tokens: Tokens
  #revokedAt: number | undefined

  private constructor(name: string, client: BrokerClient, mcpUrl: string, ledger: Ledger, tokens: Tokens) {
    this.name = name
    this.#client = client
    this.#mcpUrl = mcpUrl
    this.#ledger = ledger
    this.#tokens = tokens
  }

  static async begin(name: string, person: PersonKey, client: BrokerClient, mcpUrl: string, ledger: Ledger): Promise<Life> {
    const tokens = await untilItWorks(() => client.signIn(person, { changes: { resource: mcpUrl } }))
    ledger.did('sign-ins')
    return new Life(name, client, mcpUrl, ledger, tokens)
  }

  get accessToken(): string {
    return this.#tokens.accessToken
  }

  get endsByRevocation(): boolean {
    return this.ending.signal.reason === 'revocation'
  }

  /** An answer that is lost in a crash is asked for again with the same refresh token. */
  async refresh(): Promise<void> {
    const { refreshToken } = this.#tokens
    this.#tokens = await untilItWorks(async () => tokensOf(await this.#client.refresh(refreshToken)))
    this.#ledger.did('refreshes')
  }

  opened(stream: string): void {
    this.#ledger.did('streams')
    this.#open.add(stream)
  }

  closed(stream: string): void {
    this.#open.delete(stream)
  }

  /** A number or a result arrived. After the answer to `POST /revoke` each of them is a leak. */
  heard(stream: string, what: string): void {
    this.#ledger.did('events')
    if (this.#revokedAt === undefined) return
    this.#ledger.leak(`${stream} brought ${what} ${Date.now() - this.#revokedAt} ms after its revocation had returned`)
  }

  finish(): void {
    this.ending.abort('over')
    this.over.abort()
  }

  async revoke(): Promise<void> {
    this.ending.abort('revocation')
    const asked = performance.now()
    await untilItWorks(async () => {
      const { status, text } = await this.#client.revoke(this.#tokens.refreshToken)
      if (status !== 200) throw new Error(text)
    })
    this.#revokedAt = Date.now()
    this.#ledger.did('revocations')
    this.#ledger.revocationMs.push(performance.now() - asked)
    await this.#isOver()
  }

  async #isOver(): Promise<void> {
    const status = await untilItWorks(async () => {
      const answered = await statusWith(this.#mcpUrl, this.#tokens.accessToken)
      if (answered >= 500) throw new Error(`answered ${answered}`)
      return answered
    })
    if (status !== 401) this.#ledger.leak(`${this.name}: a call after the revocation was answered ${status}`)
    for (const deadline = Date.now() + STILL_OPEN_MS; this.#open.size > 0 && Date.now() < deadline;) await sleep(20)
    for (const stream of this.#open) this.#ledger.leak(`${stream} is open ${STILL_OPEN_MS} ms after its revocation`)
  }
}

/** The broker may be down: it is being killed now and then. */
export async function untilItWorks<Result>(attempt: () => Promise<Result>, withinMs = 20_000): Promise<Result> {
  for (const deadline = Date.now() + withinMs; ;) {
    try {
      return await attempt()
    } catch (error) {
      if (Date.now() > deadline) throw error
      await sleep(50)
    }
  }
}
