// What a person's object looks after by itself: that the identity provider still knows the person, and that nothing lies unused for ever.
import { log } from '../../platform/telemetry.ts'
import { askProvider, type ProviderQuestion } from '../access/ask-provider.ts'
import type { SessionContext } from '../session-context.ts'
import { endGrant, endInRouters, type OpenStreams } from '../revocation.ts'
import { canBeConfirmed } from '../contract/token-refresher.ts'

/** Called once after start, when everything a job may need is there. */
export async function beginUpkeep(context: ProviderQuestion & Pick<SessionContext, 'load' | 'uses'>): Promise<void> {
  const { uses, checks, grants, provider, profile, settings, now } = context
  const { sessionIdleTtl, idpRecheckTtl, idpOutageGrace } = settings.limits
  uses.open({
    idleTtl: sessionIdleTtl,
    // Whoever creates a machine credential says when it ends.
    applies: () => profile.identity?.issuer !== settings.baseUrl,
    isOpen: (grantId) => openStreams(context).some((stream) => stream.grantId === grantId),
    candidates: () => grants.allLive(now()),
    end: async (grantId) => {
      const grant = grants.find(grantId)
      if (grant) await endGrant(context, grant, 'session_expired', 'session_expired')
    },
    now,
  })
  await checks.open({
    every: idpRecheckTtl,
    grace: idpOutageGrace,
    checkedAt: () => provider.checkedAt,
    isDue: () => provider.tokens !== undefined && canBeConfirmed(provider.tokens, now()) && grants.allLive(now()).length > 0,
    ask: () => {
      // Awake anyway: what the Directory knows of the open streams gets no older than this.
      context.load.confirm()
      return askProvider(context)
    },
    lapsed: () => suspend(context),
    now,
  })
}

/** A person has signed in: from now on they are looked after. */
export async function planUpkeep({ uses, checks }: Pick<SessionContext, 'checks' | 'uses'>): Promise<void> {
  await Promise.all([uses.plan(), checks.plan()])
}

/** Streams end, sessions stay: as soon as the provider answers again, clients go on where they were. */
async function suspend(context: OpenStreams): Promise<void> {
  const owned = context.carrier().open()
  for (const { id } of owned) context.carrier().endStream('auth_unavailable', id)
  const { streams } = await endInRouters(context, 'auth_unavailable')
  if (owned.length + streams > 0) log('warn', 'person.suspended', { streams: owned.length + streams })
}

function openStreams({ leashes, carrier }: Pick<SessionContext, 'carrier' | 'leashes'>): readonly { readonly grantId: string }[] {
  return [...leashes.open(), ...carrier().open()]
}
