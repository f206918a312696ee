package dev.nutkin.ledger;

import java.io.Serializable;

/** The job's own arguments, {@code --name value} or {@code --switch}; unknown ones are an error. */
final class Options implements Serializable {
    private static final long serialVersionUID = 1L;

    /** {@code --output URI}: the folder of the sink, seen by all TaskManagers. Required. */
    String output;

    /** {@code --rate N}: numbers a second. */
    double rate = 100;

    /** {@code --keys N}: how many keys; a number's key is its remainder. */
    int keys = 16;

    /** {@code --version-tag TEXT}: the last column, so that a line tells which revision wrote it. */
    String versionTag = "v1";

    /** {@code --parallelism N}: of the count and the sink; 0 leaves it to the cluster. */
    int parallelism;

    /** {@code --fail-at-start}: main() throws, so the JobManager can't start the job. */
    boolean failAtStart;

    /** {@code --fail-on-record N}: each number from N on fails the task; -1 for none. */
    long failOnRecord = -1;

    /**
     * {@code --fail-after N}: a counting task fails when it has seen N numbers since it started, so
     * a revision can run, complete checkpoints, and then fail; 0 for never.
     */
    long failAfter;

    /** {@code --drop-operator}: nothing in the graph takes the count's state: a restore is refused. */
    boolean dropOperator;

    /** {@code --change-state}: the count's state has another type: the restored task fails. */
    boolean changeState;

    static Options parse(String[] arguments) {
        final Options options = new Options();
        for (int i = 0; i < arguments.length; i++) {
            switch (arguments[i]) {
                case "--output":
                    options.output = value(arguments, ++i);
                    break;
                case "--rate":
                    options.rate = Double.parseDouble(value(arguments, ++i));
                    break;
                case "--keys":
                    options.keys = Integer.parseInt(value(arguments, ++i));
                    break;
                case "--version-tag":
                    options.versionTag = value(arguments, ++i);
                    break;
                case "--parallelism":
                    options.parallelism = Integer.parseInt(value(arguments, ++i));
                    break;
                case "--fail-at-start":
                    options.failAtStart = true;
                    break;
                case "--fail-on-record":
                    options.failOnRecord = Long.parseLong(value(arguments, ++i));
                    break;
                case "--fail-after":
                    options.failAfter = Long.parseLong(value(arguments, ++i));
                    break;
                case "--drop-operator":
                    options.dropOperator = true;
                    break;
                case "--change-state":
                    options.changeState = true;
                    break;
                case "-D":
                    // Flink's standalone-job.sh puts the memory it computed after the job's own
                    // arguments, as pairs of -D and key=value: they are not ours to read.
                    value(arguments, ++i);
                    break;
                default:
                    throw new IllegalArgumentException("unknown argument " + arguments[i]);
            }
        }
        if (options.output == null) {
            throw new IllegalArgumentException("--output is required");
        }
        if (options.versionTag.contains(" ")) {
            throw new IllegalArgumentException("--version-tag must not contain spaces");
        }
        return options;
    }

    private static String value(String[] arguments, int index) {
        if (index >= arguments.length) {
            throw new IllegalArgumentException(arguments[index - 1] + " wants a value");
        }
        return arguments[index];
    }
}
