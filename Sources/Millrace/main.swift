internal import ArgumentParser

// The only command so far: `millrace broker ...`.
BrokerCommand.main(Array(CommandLine.arguments.dropFirst(2)))
