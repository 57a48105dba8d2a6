// What administrators see of signals: which doors are open for which provider, what came last, and whether a stream works; and how one is set up.
import type { StreamState } from '../../directory/signal-streams.ts'
import { signSecurityEvent, VERIFICATION } from '../../issuer/security-event.ts'
import { randomId } from '../../platform/crypto.ts'
import { pushEvent } from '../../platform/push-event.ts'
import type { Door } from '../../session/contract/signal-facts.ts'
import { scimBase, type Services } from '../../services.ts'
import { REVOCATION_PATH } from '../global-token-revocation.ts'
import { SECURITY_EVENTS_PATH } from '../security-events.ts'
import { AdminRefusal } from './refusal.ts'

interface ShownDoor {
  readonly door: Door
  readonly isOpen: boolean
  /** What is entered at the provider. */
  readonly address: string
  readonly last?: { readonly event: string; readonly jti: string; readonly at: number }
}

export interface SignalProvider {
  readonly provider: string
  readonly name: string
  readonly doors: readonly ShownDoor[]
  /** The issuer of its transmitter, where the settings name one. */
  readonly transmitter?: string
  readonly stream?: StreamState
}

export async function listSignals(services: Services): Promise<readonly SignalProvider[]> {
  const { settings, signalSources, directory } = services
  const [last, streams] = await Promise.all([directory().lastSignals(), directory().signalStreams()])
  const only = signalSources.length === 1
  return signalSources.map(({ key, name, settings: signals }) => {
    const stream = streams.find(({ provider }) => provider === key)
    const door = (which: Door, isOpen: boolean, address: string): ShownDoor => {
      const came = last.find((one) => one.provider === key && one.door === which)
      const shown = came && { last: { event: came.event, jti: came.jti, at: came.at } }
      return { door: which, isOpen, address, ...shown }
    }
    return {
      provider: key,
      name,
      doors: [
        door('backchannel-logout', true, `${settings.baseUrl}/backchannel-logout`),
        door(
          'global-token-revocation',
          signals.revocationIssuer !== undefined,
          settings.baseUrl + (only ? REVOCATION_PATH : `${REVOCATION_PATH}/${key}`),
        ),
        door(
          'shared-signals',
          signals.transmitter !== undefined && stream !== undefined,
          `${settings.baseUrl}${SECURITY_EVENTS_PATH}/${key}`,
        ),
        // Who has a machine credential with the scope scim gets in.
        door('scim', true, scimBase(services, key)),
      ],
      ...(signals.transmitter !== undefined && { transmitter: signals.transmitter }),
      ...(stream && { stream }),
    }
  })
}

/** Agrees on a stream, or asks the transmitter to prove that it works. What goes wrong there is said in its words. */
export async function setUpStream(services: Services, provider: string, token?: string): Promise<StreamState> {
  known(services, provider)
  return settled(await services.directory().setUpStream(provider, token))
}

export async function verifyStream(services: Services, provider: string): Promise<StreamState> {
  known(services, provider)
  return settled(await services.directory().verifyStream(provider))
}

function known({ senders }: Services, provider: string): void {
  if (!senders.has(provider)) throw new AdminRefusal('not_found', `the settings name no transmitter for ${provider}`)
}

function settled(outcome: Awaited<ReturnType<ReturnType<Services['directory']>['verifyStream']>>): StreamState {
  if ('problem' in outcome) throw new AdminRefusal('stream_failed', outcome.problem)
  return outcome.stream
}

/** Sends a server that wants to hear of ended sessions an event that proves the way there. */
export async function verifyServer(
  { settings, keys, now }: Services,
  name: string,
): Promise<{ readonly told: boolean; readonly why: string }> {
  const server = settings.downstreams.find((one) => one.name === name)
  if (!server?.signals)
    throw new AdminRefusal('not_found', `the settings say of no server ${name} where it hears of ended sessions`)
  const token = await signSecurityEvent(keys.identity.active, {
    issuer: settings.baseUrl,
    audience: server.signals.audience ?? server.url,
    jti: randomId(16),
    issuedAt: now(),
    type: VERIFICATION,
    members: { state: randomId(16) },
    subject: { format: 'opaque', id: server.resource },
  })
  const { outcome, why } = await pushEvent(server.signals, token)
  return { told: outcome === 'taken', why }
}
