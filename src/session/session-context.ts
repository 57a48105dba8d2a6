// What a UserSession is given, and what a started one consists of, as its operations see it.
import type { KeyRing } from '../issuer/keys.ts'
import type { Settings } from '../settings/settings.ts'
import type { SessionTables } from './tables.ts'
import type { Carrier } from './streams/carrier.ts'
import type { Credentials } from './store/credentials.ts'
import type { Load, LoadReport } from './contract/load-report.ts'
import type { LinkClient } from './contract/link-client.ts'
import type { Report } from './store/outbox.ts'
import type { TokenRefresher } from './contract/token-refresher.ts'
import type { Provisioned, ProvisionedAsked } from './contract/provisioned.ts'
import type { Opening, TakenBack } from './contract/taken-back.ts'

export interface SessionContext extends SessionTables {
  readonly settings: Settings
  readonly credentials: Credentials
  /** Set once the object has started; what it carries ends with the grant. */
  readonly carrier: () => Carrier
  readonly load: Load
  /** Asks the Directory, which notes who asked. */
  readonly takenBack: (opening: Omit<Opening, 'sub'>) => Promise<TakenBack>
  /** Asks the Directory what a company's directory has told of the person. */
  readonly provisioned: (asked: Omit<ProvisionedAsked, 'sub'>) => Promise<Provisioned | undefined>
  /** Unix seconds. */
  readonly now: () => number
}

export interface SessionServices {
  readonly settings: Settings
  readonly keys: KeyRing
  readonly refresher: TokenRefresher
  readonly linkClient: LinkClient
  /** Stores what the outbox delivers at the Directory. */
  readonly report: (report: Report) => Promise<void>
  readonly takenBack: (opening: Opening) => Promise<TakenBack>
  readonly provisioned: (asked: ProvisionedAsked) => Promise<Provisioned | undefined>
  /** What its charts are drawn from. */
  readonly tellLoad: (report: LoadReport) => Promise<void>
  readonly carrier: (context: SessionContext, waitUntil: (work: Promise<unknown>) => void) => Carrier
}
