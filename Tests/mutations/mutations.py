"""Bugs to put in on purpose: what is wrong, in which file, and what stands there instead.

Each text must be found exactly once, so that a mutation that no longer fits is noticed.
"""

from typing import NamedTuple

RUNTIME = "Sources/Dataflow/Runtime/"
TESTING = "Sources/DataflowTesting/"
STEPPING = TESTING + "Simulation/"
PERMITS = "Sources/Dataflow/Permits/"


class Mutation(NamedTuple):
    name: str
    #: (file, what stands there, what stands there instead)
    edits: list


def one(name, file, old, new):
    return Mutation(name, [(file, old, new)])


#: Bugs of the engine and of the protocol: the seeds must catch each.
ENGINE = [
    # The fence and the verdict, as the model of a database has them.
    one("no fence", TESTING + "ModelTarget.swift",
        "guard isOurs || flaw == .forgetsTheFence else {", "guard isOurs || true else {"),
    one("the fence forgets the owner", TESTING + "ModelTarget.swift",
        "return row?.ownerEpoch == advance.ownerEpoch && row?.nextOffset == advance.from",
        "return row?.nextOffset == advance.from"),
    one("the fence forgets the position", TESTING + "ModelTarget.swift",
        "return row?.ownerEpoch == advance.ownerEpoch && row?.nextOffset == advance.from",
        "return row?.ownerEpoch == advance.ownerEpoch"),
    one("a claim does not raise the owner epoch", TESTING + "ModelTarget.swift",
        "contents.rows[key, default: .init()].ownerEpoch += 1",
        "contents.rows[key, default: .init()].ownerEpoch |= 1"),
    one("a lost answer is taken for a commit", TESTING + "ModelTarget.swift",
        "        switch CommitVerdict.decide(epoch.advances, rows: found) {",
        "        return .committed\n        switch CommitVerdict.decide(epoch.advances, rows: found) {"),
    one("after a lost answer it is written again, unasked", TESTING + "ModelTarget.swift",
        "        switch CommitVerdict.decide(epoch.advances, rows: found) {",
        "        return nil\n        switch CommitVerdict.decide(epoch.advances, rows: found) {"),
    one("the old connection is not ended before the verdict", TESTING + "ModelDatabase.swift",
        "            orphans.removeAll { $0.client == client }\n", ""),
    one("no look at the database after it was away", TESTING + "ModelTarget.swift",
        "            return known != now", "            return false"),
    one("the tables are merged twice", TESTING + "ModelTarget.swift",
        "if flaw == .commitsTwice {", "if epoch.number % 5 == 0 {"),
    one("the verdict takes a restored position for a claimed one", RUNTIME + "CommitVerdict.swift",
        "if let row, row.ownerEpoch > partition.ownerEpoch, row.nextOffset ?? -1 >= partition.nextOffset ?? -1 {",
        "if let row, row.ownerEpoch > partition.ownerEpoch {"),
    # What a source does.
    one("a halted partition is read on", STEPPING + "SteppingReader.swift",
        "if log.holds(partition.tail, of: key, at: next) {", "if log.holds(nil, of: key, at: 0) {"),
    one("no rewind after the last file", STEPPING + "SteppingReader.swift",
        "if intake.flush(within: .seconds(600)) { return }", "_ = intake.flush(within: .seconds(600))\n                return"),
    one("a batch of before the rewind is handed over", STEPPING + "SteppingReader.swift",
        "        drop()\n        let reclaimed = try intake.reclaim()",
        "        let reclaimed = try intake.reclaim()"),
    # Positions and ownership.
    one("the wrong low offset", RUNTIME + "PartitionState.swift",
        "default: PartitionAdvance(key: key, ownerEpoch: ownerEpoch, from: next)",
        "default: PartitionAdvance(key: key, ownerEpoch: ownerEpoch, from: committed ?? next)"),
    one("a run is not checked for where it begins", RUNTIME + "PipelineState.swift",
        "guard isOurs, let expected, found == expected, run.nextOffset >= expected else {",
        "guard isOurs, let expected, run.nextOffset >= expected || found == expected else {"),
    one("a stale owner goes on", RUNTIME + "Pipeline+Positions.swift",
        "if partition.isStillOurs(row) {", "if row.ownerEpoch >= partition.ownerEpoch {"),
    one("what is claimed elsewhere stays halted here", RUNTIME + "Intake+Positions.swift",
        "        if adopted == .lost { pipeline.drop() }\n", ""),
    one("an undone claim is not made again", RUNTIME + "Pipeline+Positions.swift",
        "            kept += try plan.target.claim(keys, origin: origin, stoppableContext)",
        "            _ = origin"),
    one("a rewind leaves the position where it was", RUNTIME + "PartitionState.swift",
        "            partitions[index] = fresh\n",
        "            if isRewound { fresh.next = old.next }\n            partitions[index] = fresh\n"),
    one("an accepted log goes on with the clock of the one before", RUNTIME + "PartitionState.swift",
        "        clock = row.clock\n        isFresh = true\n", ""),
    one("a stored clock is not taken over", RUNTIME + "PipelineState.swift",
        "                batch.runs[index].beginsClock = true\n", ""),
    one("nobody claims what was taken over", RUNTIME + "TakeoverWatch.swift",
        "guard !isClaimable, now - stillSince >= patience else { return }", "guard isClaimable else { return }"),
    one("partitions that stand still are not compared", RUNTIME + "Pipeline+Commit.swift",
        "standing: standing.sorted { $0.key < $1.key }, deltas: deltas,", "standing: Array(standing.prefix(0)), deltas: deltas,"),
    one("a mended row is not adopted", RUNTIME + "Intake+Positions.swift",
        "state.partitions[index].move(to: row)", "_ = row"),
    # Rewinds.
    Mutation("a batch is admitted during a discard", [
        (RUNTIME + "Pipeline+Batches.swift",
         "let generation = state.rewind.admits(source) ? state.epochs.generation : .max",
         "let generation = state.epochs.generation"),
        (RUNTIME + "Pipeline+Batches.swift",
         "batch.generation == state.epochs.generation && state.rewind.admits(batch.source)",
         "batch.generation == state.epochs.generation"),
    ]),
    one("a drop does not wait for the commit", RUNTIME + "RewindMachine.swift",
        "        if isWriting {\n            phase = .awaiting\n            return false\n        }\n", ""),
    one("dropped batches stay in the mailbox", RUNTIME + "Pipeline+Rewind.swift",
        "            queues[stage] = []\n", ""),
    one("dropped groups are kept", RUNTIME + "Pipeline+Rewind.swift",
        "for (_, worker) in stage.aggregates() { worker.discard() }", "_ = stage.aggregates()"),
    one("the ledger of dropped epochs is kept", RUNTIME + "Pipeline+Rewind.swift",
        "            state.ledgers = [:]\n            state.openRecords = 0", "            state.openRecords = 0"),
    one("the end of a rewind is told to nobody", RUNTIME + "Pipeline+Rewind.swift",
        "            for (_, worker) in stage.aggregates() { worker.discard() }\n        }\n        monitor.update { state in",
        "            for (_, worker) in stage.aggregates() { worker.discard() }\n        }\n        monitor.withLock { state in"),
    one("a flush succeeds while a rewind is due", RUNTIME + "Pipeline+Rewind.swift",
        "guard state.rewind.state(of: source) == .reading else { return false }\n", "\n"),
    one("a flush succeeds before its commit", RUNTIME + "Pipeline+Rewind.swift",
        "if state.epochs.sealed == .none, isEmpty || state.epochs.committed >= target { return true }",
        "if isEmpty || state.epochs.committed >= target { return true }"),
    # Epochs.
    one("an epoch is written before its last batch", RUNTIME + "EpochMachine.swift",
        "        return inFlight[epoch] == nil\n", "        return inFlight[epoch, default: 0] <= 1\n"),
    one("the groups of a second worker are lost", RUNTIME + "Pipeline+Commit.swift",
        "if let first = deltas[node] { first.absorb(delta) } else { deltas[node] = delta }",
        "deltas[node] = delta"),
    one("dead letters are not kept", RUNTIME + "PipelineState.swift",
        "        ledgers[batch.epoch, default: EpochLedger()].deadLetters.append(contentsOf: batch.deadLetters)\n", ""),
    one("the memory of a refused epoch is kept", RUNTIME + "Pipeline+Commit.swift",
        "        release(closed)\n        logRewind(reason)", "        logRewind(reason)"),
    Mutation("what was read again stays owed", [
        (RUNTIME + "PartitionState.swift", "        owed = max(0, owed - records)\n", ""),
        (RUNTIME + "PartitionState.swift",
         "if let committed, let owedTo, committed >= owedTo { oweNothing() }", "_ = owedTo"),
    ]),
    one("what a deleted log held stays owed", RUNTIME + "PartitionState.swift",
        "owedTo = owedTo.map { min($0, end) }", "_ = end"),
    # Permits that are shared with other processes.
    one("permits that are lent wake nobody", PERMITS + "PermitGate.swift",
        "        for tell in state.withLock({ body(&$0) ? $0.onNews : [] }) { tell() }",
        "        _ = state.withLock { body(&$0) }"),
    one("a batch that leaves gives no permit back", PERMITS + "PermitGate.swift",
        "            if taker == .engine { state.used -= 1 }\n", ""),
    # Wake-ups and ends.
    one("a drained epoch wakes nobody", RUNTIME + "Pipeline+Batches.swift",
        "if isDropped || state.epochs.isDrained || state.life.isDraining || isDue(state) {", "if isDropped {"),
    one("who gives up waits for what hangs", RUNTIME + "Pipeline.swift",
        "state.life.givenUp.map { $0 + Limits.threadsEnd }", "state.life.givenUp.map { $0 + .seconds(3_600) }"),
    one("a turn is not passed on", RUNTIME + "Pipeline+Commit.swift",
        "case .passTurn: plan.target.passTurn()", "case .passTurn: break"),
]

#: Bugs of the checker: a database that errs is then not found out in every way that it should be.
CHECKER = [
    one("tables are not compared", STEPPING + "SteppingChecker.swift",
        "            database.table.filter { $0.value != 0 } == table.filter { $0.value != 0 },",
        "            database.table.count >= 0,"),
    one("the ledger is not compared", STEPPING + "SteppingChecker.swift",
        "                counters[key] == expected,", "                counters[key] == counters[key],"),
    one("dead letters are not compared", STEPPING + "SteppingChecker.swift",
        "found.sorted(by: order) == dead.sorted(by: order)", "dead.sorted(by: order) == dead.sorted(by: order)"),
    one("the end of the log is not waited for", STEPPING + "SteppingRun.swift",
        "world.checker.expect(isComplete,", "world.checker.expect(isComplete || true,"),
    one("who is stuck is not said", STEPPING + "SteppingRun.swift",
        'case .stuck(let report): findings.append("stuck \\(report)")', "case .stuck: break"),
]

#: Databases that err, and how a finding about them begins.
CANARIES = [
    ("commitsTwice", "the table"),
    ("losesTheTables", "the table"),
    ("forgetsTheFence", "the table"),
    ("losesDeadLetters", "the dead letters"),
    ("miscounts", "the ledger"),
    ("hangs", "the end of the log was not reached"),
    ("hangs", "stuck"),
]
