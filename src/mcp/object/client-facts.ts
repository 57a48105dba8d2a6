// What the clients of a person say they are: in the session they opened, or remembered where the downstream keeps none.
import { softwareIn, type ClientSoftware } from '../../session/contract/client-software.ts'
import type { SessionContext } from '../../session/session-context.ts'
import { sentText, type SentBody } from './sent-body.ts'

export class ClientNames {
  readonly #context: Pick<SessionContext, 'mcpSessions' | 'log'>
  // By grant. Forgotten with the object: a stream is then shown without it, which is no reason to write with every initialize.
  readonly #sessionless = new Map<string, ClientSoftware>()

  constructor(context: Pick<SessionContext, 'mcpSessions' | 'log'>) {
    this.#context = context
  }

  remember(grantId: string, initialize: SentBody): void {
    const software = softwareIn(sentText(initialize))
    if (software) this.#sessionless.set(grantId, software)
  }

  of({ id, grantId }: { readonly id: string; readonly grantId: string }): ClientSoftware | undefined {
    const session = this.#context.mcpSessions.find(this.#context.log.find(id)?.mcpSession ?? '')
    return session ? softwareIn(session.initialize) : this.#sessionless.get(grantId)
  }
}
