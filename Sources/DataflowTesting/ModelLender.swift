import Dataflow
import Platform
import Synchronization

/// Lends permits as a seed says: more and fewer of them, none for a while, and all taken back at once.
final class ModelLender: PermitLender {
    private let random: Mutex<SeededRandom>

    init(seed: UInt64) { random = Mutex(SeededRandom(seed: seed)) }

    func lend(to gates: [PermitGate], _ context: CommitContext) throws {
        while !context.isCancelled {
            for gate in gates {
                let (held, isWithdrawn) = random.withLock { ($0.below(gate.size + 1), $0.chance(20)) }
                if isWithdrawn {
                    gate.withdraw()
                    continue
                }
                // What ends, ends by `withdraw`: the gate's clock is not the simulation's.
                gate.lend(
                    PermitGate.Loan(limit: gate.size, held: held, allowed: held), until: .now + .seconds(86_400))
            }
            // Seldom at once, so that a minute in which all else is frozen is not made of this.
            let pause = random.withLock { $0.pick([1, 20, 200, 1_000, 3_000]) }
            do { try context.pause(.milliseconds(pause)) } catch { return }
        }
    }
}
