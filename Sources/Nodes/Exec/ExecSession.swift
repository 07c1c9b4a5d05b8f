import Platform

/// A program at work on a stretch of records: writes them, reads the answers, and tells when it is done or has failed.
final class ExecSession {
    /// What a step has come to.
    enum Outcome {
        /// It goes on.
        case going
        /// Every record of the stretch is answered.
        case answered
        /// It was listened to for a while after that, and wrote nothing more.
        case quiet
        /// The program is at its end, by itself or by us; what it has answered may be all there is.
        case ended(ExecFailure?)
    }

    let program: PipedProgram
    /// The records that it has.
    private(set) var stretch = 0..<0
    /// When it got them.
    private(set) var begun = ContinuousClock.now
    /// The lines that it has written for them so far.
    private(set) var answers: [Range<Int>] = []
    /// Stretches of the same batch whose answers count, and might still be those of others.
    var unproven: [Range<Int>] = []
    /// What it has written, since it got the stretch.
    private(set) var received: [UInt8] = []
    /// Whether it has ever answered anything.
    private(set) var hasAnswered: Bool
    private let plan: ExecPlan
    /// Out-of-memory kills of the kernel before it was taken.
    private let kernelKills: Int
    private let complain: (String) -> Void
    private var complaints: [UInt8] = []
    /// Bytes of the lines that it has got.
    private var written = 0
    /// Records of which it has got the whole line, counted from the first of all.
    private var handed = 0
    private var scanned = 0
    private var lineStart = 0
    private var heardAt = ContinuousClock.now
    private var lookedAt = ContinuousClock.now
    /// The longest time between two things that it wrote, with records in hand.
    private var longestSilence = Duration.zero
    /// Until when a line more than there are records would show, where that is waited for.
    private(set) var listensUntil: ContinuousClock.Instant?
    private var listensAtMost = ContinuousClock.now

    /// - Parameter isFresh: whether the program has just been started.
    init(_ program: PipedProgram, _ plan: ExecPlan, isFresh: Bool, complain: @escaping (String) -> Void) {
        self.program = program
        self.plan = plan
        hasAnswered = !isFresh
        self.complain = complain
        kernelKills = ProgramMemory.kernelKills
    }

    /// Whether there is something to write to it.
    private(set) var hasMore = false
    /// Whether it may still write to its standard error: one that has closed it would wake whoever waits for it for ever.
    private(set) var mayComplain = true

    /// Bytes that it holds on to.
    var memoryBytes: Int { received.capacity }

    /// Gives it records.
    func take(_ stretch: Range<Int>, of lines: RecordLines) {
        (self.stretch, listensUntil) = (stretch, nil)
        written = stretch.lowerBound == 0 ? 0 : lines.ends[stretch.lowerBound - 1]
        (handed, hasMore) = (stretch.lowerBound, true)
        answers.removeAll(keepingCapacity: true)
        received.removeAll(keepingCapacity: true)
        (scanned, lineStart) = (0, 0)
        heardAt = .now
        begun = heardAt
    }

    /// Waits for a line more than there are records, which would mean that the answers before it are those of others: as long
    /// as two records took, and as the longest silence so far, and as long as it is at work.
    func listen() {
        let now = ContinuousClock.now
        let pace = (now - begun) / stretch.count
        listensAtMost = now + ExecLimits.listenMost
        listensUntil = min(now + max(ExecLimits.listenLeast, pace * 2, longestSilence), listensAtMost)
    }

    /// Whether it wrote something before it got the first record of its stretch, having answered others: a line too many
    /// behind those.
    var hasStrayed: Bool {
        let isThere = !answers.isEmpty || lineStart < received.count
        return isThere && hasAnswered && handed == stretch.lowerBound && listensUntil == nil
    }

    /// Writes and reads what can be written and read now.
    func step(_ lines: RecordLines) -> Outcome {
        // What it wrote before it got a record answers none.
        let outputEnded = read()
        hear()
        if let failure = fault() { return end(failure) }
        if let listensUntil {
            if outputEnded { return outcomeAtEnd() }
            let now = ContinuousClock.now
            guard now >= listensUntil else { return .going }
            // It may be about to write, and wait for a processor.
            guard now < listensAtMost, ProgramActivity.isBusy(program.id) else { return .quiet }
            self.listensUntil = now + ExecLimits.listenLeast
            return .going
        }
        if write(lines) || outputEnded { return outcomeAtEnd() }
        if plan.mode == .stream, answers.count == stretch.count {
            hasAnswered = true
            return lineStart == received.count ? .answered : end(.tooManyAnswers)
        }
        return look()
    }

    /// What the last answers were good for is done, and they were none.
    func reject(_ failure: ExecFailure) -> Outcome { end(failure) }

    // MARK: - Bytes

    /// - Returns: whether the program takes nothing any more, though there is more.
    private func write(_ lines: RecordLines) -> Bool {
        guard hasMore else { return false }
        let end = lines.ends[stretch.upperBound - 1]
        while written < end {
            let transfer = unsafe lines.bytes.withUnsafeBytes {
                unsafe program.write(UnsafeRawBufferPointer(rebasing: $0[written..<end]))
            }
            switch transfer {
            case .bytes(let count):
                written += count
                // One that answers at its end shows by reading that it is at work.
                if plan.mode == .batch { heardAt = .now }
            case .nothing:
                count(lines)
                return false
            case .closed:
                // What it has written before it closed is still read.
                hasMore = false
                count(lines)
                return plan.mode == .stream
            }
        }
        hasMore = false
        count(lines)
        if plan.mode == .batch { program.closeInput() }
        return false
    }

    private func count(_ lines: RecordLines) {
        while handed < stretch.upperBound, lines.ends[handed] <= written { handed += 1 }
    }

    /// - Returns: whether the program's output has ended.
    private func read() -> Bool {
        for _ in 0..<8 {
            switch program.read(program.output, into: &received) {
            case .bytes:
                let now = ContinuousClock.now
                // What it loads before its first answer says nothing about the others.
                if !answers.isEmpty { longestSilence = max(longestSilence, now - heardAt) }
                heardAt = now
            case .nothing: return false
            case .closed:
                cutLines(atEnd: true)
                return true
            }
            cutLines(atEnd: false)
        }
        return false
    }

    private func cutLines(atEnd: Bool) {
        while scanned < received.count {
            if received[scanned] == UInt8(ascii: "\n") {
                addLine(lineStart..<scanned)
                lineStart = scanned + 1
            }
            scanned += 1
        }
        // A run that has ended has no half lines, only a last one without its newline.
        if atEnd, plan.mode == .batch, lineStart < received.count {
            addLine(lineStart..<received.count)
            lineStart = received.count
        }
    }

    private func addLine(_ line: Range<Int>) {
        let isBlank = received[line].allSatisfy { $0 == 0x20 || $0 == 0x0d || $0 == 0x09 }
        if !isBlank { answers.append(line) }
    }

    /// Hands on what it writes to standard error, line by line.
    private func hear() {
        for _ in 0..<4 where mayComplain {
            let transfer = program.read(program.errors, into: &complaints, limit: 4_096)
            if transfer == .closed { mayComplain = false }
            guard case .bytes = transfer else { break }
        }
        while let end = complaints.firstIndex(of: UInt8(ascii: "\n")) {
            tell(complaints[..<end])
            complaints.removeFirst(end + 1)
        }
        if complaints.count > ExecLimits.complaintBytesMax {
            tell(complaints[...])
            complaints.removeAll()
        }
    }

    private func tell(_ line: ArraySlice<UInt8>) {
        let text = String(decoding: line.prefix(ExecLimits.complaintBytesMax), as: UTF8.self)
        if !text.allSatisfy(\.isWhitespace) { complain(text) }
    }

    // MARK: - What is wrong

    private func fault() -> ExecFailure? {
        let isTooMuch = answers.count > handed - stretch.lowerBound || listensUntil != nil && lineStart < received.count
        if plan.mode == .stream, isTooMuch || hasStrayed { return .tooManyAnswers }
        let longest = answers.last.map(\.count) ?? 0
        return max(longest, received.count - lineStart) > ExecLimits.answerBytesMax ? .answerTooLong : nil
    }

    /// Looks at a program that has nothing to say.
    private func look() -> Outcome {
        let now = ContinuousClock.now
        // What has just been started may have much to load; a dead letter says the same in either case.
        let limit = hasAnswered || !answers.isEmpty ? plan.timeout : plan.timeout + plan.startup
        if now - heardAt > limit { return end(.timeout(plan.timeout)) }
        guard now - lookedAt >= ExecLimits.look else { return .going }
        lookedAt = now
        if let limit = plan.memoryMax {
            let bytes = ProgramMemory.residentBytes(ofGroup: program.id)
            if bytes > limit { return end(.memory(limit: limit)) }
        }
        // Something that it has started may hold its output open.
        guard program.hasEnded else { return .going }
        _ = read()
        return outcomeAtEnd()
    }

    /// The program's output has ended: how has it?
    private func outcomeAtEnd() -> Outcome {
        let limit = ContinuousClock.now + ExecLimits.exitGrace
        while !program.hasEnded, .now < limit { PipedProgram.pause() }
        guard program.hasEnded else { return end(.closedOutput) }
        _ = read()
        hear()
        let exit = program.end()
        if let failure = fault() { return .ended(failure) }
        if !complaints.isEmpty { tell(complaints[...]) }
        if answers.count > 0 { hasAnswered = true }
        if plan.mode == .batch, exit == .code(0) {
            if answers.count == stretch.count { return .ended(nil) }
            return .ended(
                answers.count > stretch.count ? .tooManyAnswers : .tooFewAnswers(answers.count, of: stretch.count))
        }
        return .ended(
            ExecFailure(exit, isOutOfMemory: exit == .signal(9) && ProgramMemory.kernelKills > kernelKills))
    }

    private func end(_ failure: ExecFailure) -> Outcome {
        _ = program.end()
        hear()
        return .ended(failure)
    }
}
