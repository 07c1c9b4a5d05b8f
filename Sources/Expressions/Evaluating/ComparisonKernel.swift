/// `nullif`, `greatest` and `least` for each representation.
enum ComparisonKernel {
    /// The first argument where it does not equal the second. The nulls that it makes are meant.
    static func nullIf(_ type: ValueType) -> Kernel {
        let kernel =
            switch type {
            case .text:
                Kernel { call in
                    let (a, b) = (call.arguments[0], call.arguments[1])
                    call.cut({ a.isThere($0) }) { row in
                        let text = TextView.load(a, row)
                        return b.isThere(row) && text == TextView.load(b, row) ? nil : 0..<text.count
                    }
                }
            case .double: nullIf(Double.self)
            case .boolean: nullIf(Bool.self)
            default: nullIf(Int64.self)
            }
        return kernel.searching
    }

    private static func nullIf<Value: KernelValue & KernelResult & Equatable>(_: Value.Type) -> Kernel {
        Kernel { call in
            let (a, b) = (call.arguments[0], call.arguments[1])
            call.fill({ a.isThere($0) }) { row -> Value? in
                let value = Value.load(a, row)
                return b.isThere(row) && value == Value.load(b, row) ? nil : value
            }
        }
    }

    /// The greatest or the least exact number that is not null, each times its factor; a failure where that has more
    /// than 64 bits.
    static func extreme(of factors: [Int64], isGreatest: Bool) -> Kernel {
        Kernel { call in
            let arguments = call.arguments
            call.fill({ row in arguments.contains { $0.isThere(row) } }) { row -> Int64? in
                var best: Int128?
                for (argument, factor) in zip(arguments, factors) where argument.isThere(row) {
                    let value = Int128(Int64.load(argument, row)) * Int128(factor)
                    guard let current = best else {
                        best = value
                        continue
                    }
                    if isGreatest ? value > current : value < current { best = value }
                }
                return best.flatMap { Int64(exactly: $0) }
            }
        }
    }

    /// The greatest or the least argument that is not null.
    static func extreme(_ type: ValueType, isGreatest: Bool) -> Kernel {
        switch type {
        case .text:
            Kernel { call in
                let arguments = call.arguments
                call.write({ row in arguments.contains { $0.isThere(row) } }) { row, writer in
                    var best: TextView?
                    for argument in arguments where argument.isThere(row) {
                        let text = TextView.load(argument, row)
                        guard let current = best else {
                            best = text
                            continue
                        }
                        let order = TextView.order(text, current)
                        if isGreatest ? order > 0 : order < 0 { best = text }
                    }
                    if let best { writer.append(best) }
                    return true
                }
            }
        case .double: extreme(Double.self, isGreatest)
        default: extreme(Int64.self, isGreatest)
        }
    }

    private static func extreme<Value: KernelValue & KernelResult & Comparable>(
        _: Value.Type, _ isGreatest: Bool
    ) -> Kernel {
        Kernel { call in
            let arguments = call.arguments
            call.fill({ row in arguments.contains { $0.isThere(row) } }) { row -> Value? in
                var best: Value?
                for argument in arguments where argument.isThere(row) {
                    let value = Value.load(argument, row)
                    guard let current = best else {
                        best = value
                        continue
                    }
                    if isGreatest ? value > current : value < current { best = value }
                }
                return best
            }
        }
    }
}
