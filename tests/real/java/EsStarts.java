import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;

import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.KeyStoreWrapper;
import org.elasticsearch.common.settings.SecureString;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginsLoader;

/**
 * Builds nodes as a start does, up to where they would open their ports: all that is wrong with a folder is said there.
 *
 * One folder a line on standard input, its path and the password of its secure settings in base64. Answers a line
 * each: "built", or "refused" and, from the outside in, the class and message of every exception in base64.
 */
public class EsStarts {
    public static void main(String[] arguments) throws Exception {
        PrintStream answers = System.out;
        System.setOut(System.err);
        LogConfigurator.registerErrorListener();
        LogConfigurator.configureESLogging();
        BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        boolean logging = false;
        for (String line; (line = orders.readLine()) != null;) {
            String[] order = line.split(" ");
            String answer = "built";
            try {
                build(Path.of(decoded(order[0])), order.length > 1 ? decoded(order[1]) : "", logging);
                logging = true;
            } catch (Throwable failure) {
                StringBuilder chain = new StringBuilder("refused");
                for (Throwable each = failure; each != null; each = each.getCause()) {
                    chain.append(' ').append(encoded(each.getClass().getName()));
                    chain.append(' ').append(encoded(String.valueOf(each.getMessage())));
                }
                answer = chain.toString();
            }
            answers.println(answer);
            answers.flush();
        }
        Runtime.getRuntime().halt(0);
    }

    private static void build(Path config, String password, boolean logging) throws Exception {
        KeyStoreWrapper secrets = KeyStoreWrapper.bootstrap(config, () -> new SecureString(password.toCharArray()));
        Settings.Builder given = Settings.builder().put("path.home", System.getProperty("es.path.home"));
        given.setSecureSettings(secrets);
        Environment env = InternalSettingsPreparer.prepareEnvironment(given.build(), Map.of(), config, () -> "localnode");
        if (logging == false) {
            LogConfigurator.setNodeName(env.settings().get("node.name", "localnode"));
            LogConfigurator.configure(env, false);
        }
        PluginsLoader loader = PluginsLoader.createPluginsLoader(
            PluginsLoader.loadModulesBundles(env.modulesDir()), PluginsLoader.loadPluginsBundles(env.pluginsDir()), Map.of(), false);
        Node node = new Node(env, loader) {
        };
        node.close();
    }

    private static String decoded(String text) {
        return new String(Base64.getDecoder().decode(text), StandardCharsets.UTF_8);
    }

    private static String encoded(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }
}
