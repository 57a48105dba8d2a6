// The part of the Directory that auditors reach, by way of administrators: the evidence, its signed head, and receipts as signed statements.
import type { EvidenceSigner } from '../evidence/statements.ts'
import type { EvidenceLog, SignedHead, SignedReceipt } from './evidence-log.ts'
import type { Delivered } from '../export/record.ts'
import type { Exports, ExportState } from './exports.ts'
import type { Receipts } from './receipts.ts'
import { SignalledDirectory } from './signalled-directory.ts'

export abstract class EvidencedDirectory extends SignalledDirectory {
  protected abstract get evidenced(): { readonly evidence: EvidenceLog; readonly exports: Exports; readonly receipts: Receipts }
  /** `worker.ts` supplies what lies to the left of this folder: the key that signs. */
  protected abstract signer(): Promise<EvidenceSigner>

  async evidenceHead(): Promise<SignedHead> {
    await this.lifecycle.start()
    return await this.evidenced.evidence.signedHead()
  }

  /** From the line after `after` on, as the JSON of an `EvidencePage`; where `sub` is given, of others only what hides them. */
  async evidencePage(after: number, most?: number, sub?: string): Promise<string> {
    await this.lifecycle.start()
    return JSON.stringify(this.evidenced.evidence.page(after, most, sub))
  }

  /** Undefined when there is no such receipt. */
  async signedReceipt(id: string): Promise<SignedReceipt | undefined> {
    await this.lifecycle.start()
    const receipt = this.evidenced.receipts.find(id)
    return receipt && (await this.evidenced.evidence.signReceipt(receipt))
  }

  /** How far each sink has come. */
  async exportStates(): Promise<readonly ExportState[]> {
    await this.lifecycle.start()
    return this.evidenced.exports.states()
  }

  /** Undefined when the settings name no such sink. */
  async testExport(name: string): Promise<Delivered | undefined> {
    await this.lifecycle.start()
    return await this.evidenced.exports.test(name)
  }

  /** Sends what a sink has refused once more: how many it refuses again, or undefined. */
  async retryExport(name: string): Promise<number | undefined> {
    await this.lifecycle.start()
    return await this.evidenced.exports.retry(name)
  }
}
