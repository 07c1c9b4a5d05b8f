import Dataflow

/// Kernels of functions that know one row at a time, and for which a null argument makes a null.
extension Kernel {
    /// A value of one argument.
    static func map<A: KernelValue, R: KernelResult>(_ body: @escaping @Sendable (A) -> R?) -> Kernel {
        Kernel { call in
            let a = call.arguments[0]
            call.fill({ a.isThere($0) }, { body(A.load(a, $0)) })
        }
    }

    /// A value of two arguments.
    static func map<A: KernelValue, B: KernelValue, R: KernelResult>(
        _ body: @escaping @Sendable (A, B) -> R?
    ) -> Kernel {
        Kernel { call in
            let (a, b) = (call.arguments[0], call.arguments[1])
            call.fill({ a.isThere($0) && b.isThere($0) }, { body(A.load(a, $0), B.load(b, $0)) })
        }
    }

    /// A value of three arguments.
    static func map<A: KernelValue, B: KernelValue, C: KernelValue, R: KernelResult>(
        _ body: @escaping @Sendable (A, B, C) -> R?
    ) -> Kernel {
        Kernel { call in
            let (a, b, c) = (call.arguments[0], call.arguments[1], call.arguments[2])
            call.fill(
                { a.isThere($0) && b.isThere($0) && c.isThere($0) },
                { body(A.load(a, $0), B.load(b, $0), C.load(c, $0)) })
        }
    }

    /// A text written from one argument.
    static func write<A: KernelValue>(_ body: @escaping @Sendable (A, inout TextWriter) -> Bool) -> Kernel {
        Kernel { call in
            let a = call.arguments[0]
            call.write({ a.isThere($0) }, { body(A.load(a, $0), &$1) })
        }
    }

    /// A text written from two arguments.
    static func write<A: KernelValue, B: KernelValue>(
        _ body: @escaping @Sendable (A, B, inout TextWriter) -> Bool
    ) -> Kernel {
        Kernel { call in
            let (a, b) = (call.arguments[0], call.arguments[1])
            call.write({ a.isThere($0) && b.isThere($0) }, { body(A.load(a, $0), B.load(b, $0), &$1) })
        }
    }

    /// A text written from three arguments.
    static func write<A: KernelValue, B: KernelValue, C: KernelValue>(
        _ body: @escaping @Sendable (A, B, C, inout TextWriter) -> Bool
    ) -> Kernel {
        Kernel { call in
            let (a, b, c) = (call.arguments[0], call.arguments[1], call.arguments[2])
            call.write(
                { a.isThere($0) && b.isThere($0) && c.isThere($0) },
                { body(A.load(a, $0), B.load(b, $0), C.load(c, $0), &$1) })
        }
    }

    /// A part of a text.
    static func cut(_ body: @escaping @Sendable (TextView) -> Range<Int>?) -> Kernel {
        Kernel { call in
            let a = call.arguments[0]
            call.cut({ a.isThere($0) }, { body(TextView.load(a, $0)) })
        }
    }

    /// A part of a text, by another argument.
    static func cut<B: KernelValue>(_ body: @escaping @Sendable (TextView, B) -> Range<Int>?) -> Kernel {
        Kernel { call in
            let (a, b) = (call.arguments[0], call.arguments[1])
            call.cut({ a.isThere($0) && b.isThere($0) }, { body(TextView.load(a, $0), B.load(b, $0)) })
        }
    }

    /// A part of a text, by two other arguments.
    static func cut<B: KernelValue, C: KernelValue>(
        _ body: @escaping @Sendable (TextView, B, C) -> Range<Int>?
    ) -> Kernel {
        Kernel { call in
            let (a, b, c) = (call.arguments[0], call.arguments[1], call.arguments[2])
            call.cut(
                { a.isThere($0) && b.isThere($0) && c.isThere($0) },
                { body(TextView.load(a, $0), B.load(b, $0), C.load(c, $0)) })
        }
    }
}
