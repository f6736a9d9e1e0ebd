import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.TreeSet;

import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.KeyStoreWrapper;

/**
 * Reads and writes secure settings with the real class, one order a line; every value is base64.
 *   write DIR PASSWORD string:NAME=VALUE|file:NAME=VALUE ...    answers: ok FORMAT
 *   read  DIR PASSWORD                                          answers: ok FORMAT HAS-PASSWORD NAME=VALUE ...
 * or: error CLASS MESSAGE
 */
public class EsKeystore {
    private static final Base64.Encoder ENCODER = Base64.getEncoder();

    public static void main(String[] arguments) throws Exception {
        LogConfigurator.configureESLogging();
        BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = orders.readLine()) != null;) {
            String answer;
            try {
                answer = "ok " + answer(line.split(" "));
            } catch (Exception | Error e) {
                answer = "error " + e.getClass().getName() + " " + encoded(String.valueOf(e.getMessage()));
            }
            System.out.println(answer);
            System.out.flush();
        }
    }

    private static String answer(String[] order) throws Exception {
        Path dir = Path.of(text(order[1]));
        char[] password = text(order.length > 2 ? order[2] : "").toCharArray();
        return order[0].equals("write") ? write(dir, password, order) : read(dir, password);
    }

    private static String write(Path dir, char[] password, String[] order) throws Exception {
        KeyStoreWrapper store = KeyStoreWrapper.create();
        for (int i = 3; i < order.length; i++) {
            int colon = order[i].indexOf(':'), equals = order[i].indexOf('=');
            String name = order[i].substring(colon + 1, equals), value = order[i].substring(equals + 1);
            if (order[i].startsWith("file:")) store.setFile(name, Base64.getDecoder().decode(value));
            else store.setString(name, text(value).toCharArray());
        }
        store.save(dir, password);
        return String.valueOf(store.getFormatVersion());
    }

    private static String read(Path dir, char[] password) throws Exception {
        KeyStoreWrapper store = KeyStoreWrapper.load(dir);
        store.decrypt(password);
        StringBuilder answer = new StringBuilder(store.getFormatVersion() + " " + store.hasPassword());
        for (String name : new TreeSet<>(store.getSettingNames())) {
            try (InputStream in = store.getFile(name)) {
                answer.append(' ').append(name).append('=').append(ENCODER.encodeToString(in.readAllBytes()));
            }
        }
        return answer.toString();
    }

    private static String text(String encoded) {
        return new String(Base64.getDecoder().decode(encoded.equals("-") ? "" : encoded), StandardCharsets.UTF_8);
    }

    private static String encoded(String text) {
        return ENCODER.encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }
}
