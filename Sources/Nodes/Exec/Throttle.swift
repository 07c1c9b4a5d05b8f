import Synchronization

/// Lets so many lines pass in a stretch of time and counts the others: a program that dies every second shall not fill the
/// disk.
final class Throttle: Sendable {
    private struct State {
        var begun = ContinuousClock.now
        var passed = 0
        var leftOut = 0
    }

    private let state = Mutex(State())

    /// Asks for a line's passage.
    /// - Returns: how many were left out since one passed last, nil when this one is left out too.
    func admit() -> Int? {
        state.withLock { state in
            if .now - state.begun > ExecLimits.stretch { (state.begun, state.passed) = (.now, 0) }
            guard state.passed < ExecLimits.linesPerStretch else {
                state.leftOut += 1
                return nil
            }
            state.passed += 1
            defer { state.leftOut = 0 }
            return state.leftOut
        }
    }
}
