// librdkafka alone: what reading a topic costs when nothing is done with the messages; and a producer of given lines,
// for events that `millrace generate` does not make.
//   floor count BROKERS TOPIC PARTITIONS MESSAGES KEY=VALUE...    reads MESSAGES from the beginning and counts them
//   floor feed BROKERS TOPIC PARTITIONS LINES KEY=VALUE...        sends standard input, LINES lines per message
// KEY=VALUE are librdkafka's settings. `count` ends with 1 when no message came for 10 s, which means that the broker
// has dropped some; the messages are read like our consumer reads them (rd_kafka_consume_batch_queue), but without a
// group. `feed` puts the messages into the partitions in turn, so that none holds more than the others.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <librdkafka/rdkafka.h>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

[[noreturn]] void fail(const char *what, const char *why) {
    std::fprintf(stderr, "floor: %s: %s\n", what, why);
    std::exit(1);
}

rd_kafka_t *client(rd_kafka_type_t type, const char *brokers, int count, char **settings) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char reason[512];
    const auto set = [&](const char *key, const char *value) {
        if (rd_kafka_conf_set(conf, key, value, reason, sizeof reason) != RD_KAFKA_CONF_OK) { fail(key, reason); }
    };
    set("bootstrap.servers", brokers);
    if (type == RD_KAFKA_CONSUMER) { set("group.id", "floor-unsubscribed"); }
    for (int each = 0; each < count; each++) {
        const std::string setting = settings[each];
        const size_t mark = setting.find('=');
        if (mark == std::string::npos) { fail(settings[each], "expected KEY=VALUE"); }
        set(setting.substr(0, mark).c_str(), setting.substr(mark + 1).c_str());
    }
    rd_kafka_t *made = rd_kafka_new(type, conf, reason, sizeof reason);
    if (made == nullptr) { fail("client", reason); }
    return made;
}

int count(rd_kafka_t *consumer, const char *topic, int partitions, long long wanted) {
    rd_kafka_poll_set_consumer(consumer);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int partition = 0; partition < partitions; partition++) {
        rd_kafka_topic_partition_list_add(list, topic, partition)->offset = RD_KAFKA_OFFSET_BEGINNING;
    }
    if (const auto error = rd_kafka_assign(consumer, list)) { fail("assign", rd_kafka_err2str(error)); }
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(consumer);
    constexpr size_t room = 8192;
    std::vector<rd_kafka_message_t *> messages(room);
    long long messagesSeen = 0, bytes = 0;
    int waitsInVain = 0;
    while (messagesSeen < wanted && waitsInVain < 100) {
        // As our consumer does: what is there now; if nothing, wait for one.
        ssize_t received = rd_kafka_consume_batch_queue(queue, 0, messages.data(), room);
        if (received == 0) { received = rd_kafka_consume_batch_queue(queue, 100, messages.data(), 1); }
        if (received < 0) { fail("consume", rd_kafka_err2str(rd_kafka_last_error())); }
        waitsInVain = received == 0 ? waitsInVain + 1 : 0;
        for (ssize_t each = 0; each < received; each++) {
            if (messages[each]->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
                messagesSeen++;
                bytes += static_cast<long long>(messages[each]->len);
            }
            rd_kafka_message_destroy(messages[each]);
        }
    }
    std::printf("%lld messages, %lld bytes\n", messagesSeen, bytes);
    rd_kafka_queue_destroy(queue);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    if (messagesSeen < wanted) {
        std::fprintf(stderr, "floor: the broker gave %lld of %lld messages\n", messagesSeen, wanted);
        return 1;
    }
    return 0;
}

void send(rd_kafka_topic_t *topic, rd_kafka_t *producer, int partition, std::string &payload) {
    // Without the last newline: a message of one line is a document.
    const size_t length = payload.size() - (payload.back() == '\n');
    while (rd_kafka_produce(
               topic, partition, RD_KAFKA_MSG_F_COPY, payload.data(), length, nullptr, 0, nullptr) != 0) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            fail("produce", rd_kafka_err2str(rd_kafka_last_error()));
        }
        rd_kafka_poll(producer, 10);
    }
    payload.clear();
}

int feed(rd_kafka_t *producer, const char *name, int partitions, long long linesPerMessage) {
    rd_kafka_topic_t *topic = rd_kafka_topic_new(producer, name, nullptr);
    std::vector<char> buffer(1 << 18);
    std::string payload;
    long long lines = 0, messages = 0;
    // What is there is sent at once: a line that arrives alone must not wait for more.
    while (const ssize_t length = read(STDIN_FILENO, buffer.data(), buffer.size())) {
        if (length < 0) { fail("standard input", std::strerror(errno)); }
        for (const char *at = buffer.data(), *const end = at + length; at < end;) {
            const void *const mark = std::memchr(at, '\n', static_cast<size_t>(end - at));
            const char *const next = mark == nullptr ? end : static_cast<const char *>(mark) + 1;
            payload.append(at, next);
            at = next;
            if (mark == nullptr || ++lines % linesPerMessage != 0) { continue; }
            send(topic, producer, static_cast<int>(messages++ % partitions), payload);
        }
        rd_kafka_poll(producer, 0);
    }
    if (!payload.empty()) { send(topic, producer, static_cast<int>(messages++ % partitions), payload); }
    if (const auto error = rd_kafka_flush(producer, 60'000)) { fail("flush", rd_kafka_err2str(error)); }
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(producer);
    std::printf("%lld lines in %lld messages\n", lines, messages);
    return 0;
}

}  // namespace

int main(int argc, char **argv) {
    const std::string verb = argc > 5 ? argv[1] : "";
    if (verb != "count" && verb != "feed") {
        std::fprintf(stderr, "usage: floor count BROKERS TOPIC PARTITIONS MESSAGES KEY=VALUE...\n"
                             "       floor feed BROKERS TOPIC PARTITIONS LINES KEY=VALUE...\n");
        return 2;
    }
    const bool counts = verb == "count";
    rd_kafka_t *made = client(counts ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, argv[2], argc - 6, argv + 6);
    const int partitions = std::atoi(argv[4]);
    const long long number = std::atoll(argv[5]);
    return counts ? count(made, argv[3], partitions, number) : feed(made, argv[3], partitions, number);
}
