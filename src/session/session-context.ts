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
import type { Opening, TakenBack } from './contract/taken-back.ts'

export interface SessionContext extends SessionTables {
  readonly settings: Settings
  readonly credentials: Credentials
  /** Set once the object has started; what it carries ends with the grant. */
  readonly carrier: () => Carrier
  readonly load: Load
  /** Asks the Directory, which notes who asked. */
  readonly takenBack: (opening: Omit<Opening, 'sub'>) => Promise<TakenBack>
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
  /** What its charts are drawn from. */
  readonly tellLoad: (report: LoadReport) => Promise<void>
  readonly carrier: (context: SessionContext, waitUntil: (work: Promise<unknown>) => void) => Carrier
}
