// What a started UserSession consists of, as its operations see it.
import type { Settings } from '../settings/settings.ts'
import type { SessionTables } from './tables.ts'
import type { Carrier } from './streams/carrier.ts'
import type { Credentials } from './store/credentials.ts'
import type { Load } from './contract/load-report.ts'
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
