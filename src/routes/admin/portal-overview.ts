// The portal's first page: the Directory's numbers, and of those seen last what their own objects say is open.
import type { Overview } from '../../directory/overview.ts'
import { overviewNow, overviewPage, type OverviewView } from '../../pages/portal/overview.tsx'
import { wordFor } from '../../pages/portal/words.ts'
import type { Services } from '../../services.ts'
import { portal, type PortalPages } from './portal-door.ts'
import { namesIn } from './reading.ts'

const HOURS = 24

export function overviewRoutes(page: PortalPages, services: Services): void {
  page('/admin', async (c) => portal(c, overviewPage(await overviewView(services))))
  page('/admin/overview', async (c) => portal(c, overviewNow(await overviewView(services))))
}

async function overviewView(services: Services): Promise<OverviewView> {
  const overview = await services.directory().overview()
  const [names, lately] = await Promise.all([
    namesIn(
      services,
      overview.events.flatMap(({ sub }) => sub ?? []),
    ),
    withStreams(services, overview.lately),
  ])
  const { connected, people, streams, load, activity, events, replacement } = overview
  return {
    connected,
    people,
    streams,
    load,
    signedIn: perHour(activity, (type) => type === 'signed_in'),
    ended: perHour(activity, (type) => wordFor(type).state === 'ended'),
    refused: perHour(activity, (type) => wordFor(type).state === 'warn'),
    lately,
    events,
    replacement,
    names,
    now: services.now(),
  }
}

function perHour(activity: Overview['activity'], isMeant: (type: string) => boolean): readonly number[] {
  const hours = Array.from({ length: HOURS }, () => 0)
  for (const { hour, type, events } of activity) if (isMeant(type)) hours[hour] = (hours[hour] ?? 0) + events
  return hours
}

/** Who has no client connected is not woken for the question. */
async function withStreams(services: Services, lately: Overview['lately']): Promise<OverviewView['lately']> {
  return await Promise.all(
    lately.map(async (person) => {
      if (person.liveGrants === 0) return { ...person, streams: [] }
      const live = await services
        .session(person.sub)
        .describe()
        .catch(() => undefined)
      return { ...person, streams: live?.streams }
    }),
  )
}
