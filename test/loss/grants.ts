// What one person's client was told about its grants: the ledger against which the cluster is judged.
import { setTimeout as sleep } from 'node:timers/promises'
import { BrokerClient, tokensOf, type Tokens } from '../world/broker-client.ts'
import type { ClusterWorld, Node } from '../world/cluster.ts'
import type { PersonKey } from '../world/people.ts'
import type { Chance } from '../crash/chance.ts'

/** unknown: the last write was not answered, so either outcome is right. */
type Fate = 'alive' | 'dead' | 'unknown'

interface KnownGrant {
  readonly name: string
  newest: Tokens
  fate: Fate
}

export class Grants {
  readonly #client: BrokerClient
  readonly #person: PersonKey
  readonly #all: KnownGrant[] = []
  acknowledged = 0
  unanswered = 0

  constructor(client: BrokerClient, person: PersonKey) {
    this.#client = client
    this.#person = person
  }

  /** Until `isOver`: whoever gets no answer begins something new. */
  async write(chance: Chance, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      try {
        await this.#writeOnce(chance)
      } catch {
        this.unanswered += 1
        await sleep(100)
      }
    }
  }

  async #writeOnce(chance: Chance): Promise<void> {
    const name = `${this.#person} ${this.#all.length + 1}`
    const grant: KnownGrant = { name, newest: await this.#client.signIn(this.#person), fate: 'alive' }
    this.#all.push(grant)
    this.acknowledged += 1
    for (let more = chance.between(0, 3); more > 0; more -= 1) await this.#refresh(grant)
    if (chance.oneIn(2)) await this.#revoke(grant)
  }

  async #refresh(grant: KnownGrant): Promise<void> {
    grant.newest = tokensOf(await this.#client.refresh(grant.newest.refreshToken))
    this.acknowledged += 1
  }

  async #revoke(grant: KnownGrant): Promise<void> {
    grant.fate = 'unknown'
    const { status } = await this.#client.revoke(grant.newest.refreshToken)
    if (status !== 200) throw new Error(`the revocation was answered ${status}`)
    grant.fate = 'dead'
    this.acknowledged += 1
  }

  /** `unanswered` while the node can not say, with what it says instead. */
  async judge({ statusWith }: Node, since = 0): Promise<{ readonly sentences: readonly string[]; readonly unanswered?: string }> {
    const sentences: string[] = []
    for (const { name, newest, fate } of this.#all.slice(since)) {
      const status = await statusWith(newest.accessToken)
      if (status !== 200 && status !== 401) return { sentences, unanswered: `status ${status} for ${name}` }
      if (fate === 'alive' && status === 401) sentences.push(`${name} was given a grant, and is refused`)
      if (fate === 'dead' && status === 200) sentences.push(`${name} was taken its grant, and is let in`)
    }
    return { sentences }
  }

  /** The newest refresh token of every grant that lives is the one that was handed out. */
  async judgeRefreshes(): Promise<readonly string[]> {
    const sentences: string[] = []
    for (const { name, newest, fate } of this.#all.filter((grant) => grant.fate !== 'unknown')) {
      const status = await this.#refreshed(newest.refreshToken)
      if (fate === 'alive' && status !== 200) sentences.push(`${name} has a refresh token that is answered ${status}`)
      if (fate === 'dead' && status === 200) sentences.push(`${name} was taken its grant, and refreshes it`)
    }
    return sentences
  }

  /** The connection may be one to a node that has ended; whether it came there or not, the same token may be sent again. */
  async #refreshed(refreshToken: string): Promise<number> {
    for (let tries = 1; ; tries += 1) {
      try {
        return (await this.#client.refresh(refreshToken)).status
      } catch (error) {
        if (tries === 5) throw error
        await sleep(500)
      }
    }
  }

  get count(): number {
    return this.#all.length
  }
}

export async function grantsOf(world: ClusterWorld, people: readonly PersonKey[]): Promise<readonly Grants[]> {
  const client = await BrokerClient.register(world.brokerUrl)
  return people.map((person) => new Grants(client, person))
}
