import Foundation
import PlatformTesting
import Testing

@testable import Kafka

#if os(Linux)
    /// How late the kernel may wake librdkafka's threads.
    @Suite struct TimerSlackTests {
        @Test func threadsInheritItAndWhoStartsThemKeepsItsOwn() async throws {
            try await onOwnThread {
                let own = TimerSlack.current
                let (started, ended) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
                nonisolated(unsafe) var inherited: [Duration?] = []
                TimerSlack.inherited {
                    Thread.detachNewThread {
                        unsafe inherited.append(TimerSlack.current)
                        Thread.detachNewThread {
                            unsafe inherited.append(TimerSlack.current)
                            ended.signal()
                        }
                        started.signal()
                    }
                    started.wait()
                }
                ended.wait()
                #expect(TimerSlack.current == own)
                #expect(unsafe inherited == [KafkaLimits.timerSlack, KafkaLimits.timerSlack])
                #expect(own != KafkaLimits.timerSlack)
            }
        }
    }
#endif
