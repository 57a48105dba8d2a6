// The part of the Directory that knows what administrators have made: machine credentials, and the keys that recordings are sealed to.
import type { MadeSealingKey, SealingKey } from '../evidence/sealing-key.ts'
import type { AdminAction, Receipt } from '../session/contract/receipt.ts'
import { EvidencedDirectory } from './evidenced-directory.ts'
import { listed, type ListedMachine, type MachineRecord } from './machines.ts'
import { atOnce } from './receipts.ts'
import type { DirectoryTables } from './tables.ts'

export abstract class CredentialDirectory extends EvidencedDirectory {
  protected abstract get made(): Pick<DirectoryTables, 'machines' | 'people' | 'receipts' | 'sealingKeys'>
  /** Notes an event of that type about what was ordered here. */
  protected abstract audit(order: AdminAction, type: string): void

  async keepMachine(machine: MachineRecord, order: AdminAction): Promise<Receipt> {
    await this.lifecycle.start()
    const receipt = atOnce(order, now())
    this.ctx.storage.transactionSync(() => {
      this.made.machines.keep(machine)
      this.made.receipts.keep(receipt)
    })
    return receipt
  }

  async machines(
    before: number | undefined,
  ): Promise<{ readonly machines: readonly ListedMachine[]; readonly next: number | undefined }> {
    await this.lifecycle.start()
    const { machines, next } = this.made.machines.page(before)
    return { machines: machines.map((machine) => listed(machine, this.made.people.find(machine.sub), now())), next }
  }

  /** Undefined when the key it should replace is not, or no more, the one in use. */
  async keepSealingKey(key: MadeSealingKey, order: AdminAction): Promise<Receipt | undefined> {
    await this.lifecycle.start()
    const receipt = atOnce(order, now())
    return this.ctx.storage.transactionSync(() => {
      if (!this.made.sealingKeys.keep(order.target.id ?? '', key, order)) return undefined
      this.made.receipts.keep(receipt)
      this.audit(order, key.replaces === null ? 'sealing_key_created' : 'sealing_key_replaced')
      return receipt
    })
  }

  /** Newest first: the one in use, and those before it. */
  async sealingKeys(): Promise<readonly SealingKey[]> {
    await this.lifecycle.start()
    return this.made.sealingKeys.all
  }
}

function now(): number {
  return Math.floor(Date.now() / 1000)
}
